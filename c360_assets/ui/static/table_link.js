// A cell of a table that leads to a page; `scope` is what Quasar's table tells of the cell.
// Vue escapes what stands in {{ }} and binds href as text; the paths come from `links`.
export default {
  template: `
    <q-td :props="scope">
      <a v-if="href" :href="href" class="nicegui-link">{{ scope.value }}</a>
      <span v-else>{{ scope.value }}</span>
    </q-td>
  `,
  // one element of the server's is drawn once a row: its id would be there many times
  inheritAttrs: false,
  props: { scope: Object },
  computed: {
    href() {
      return this.scope.row[this.scope.col.name + "_href"];
    },
  },
};
