// An attribute of a profile in all its windows, or the title of a group, as a card, on phones.
// Vue escapes what stands in {{ }} and binds the rest as text; the paths come from `Page.url`.
export default {
  template: `
    <h3 v-if="row.title" :key="row.key" class="c-profile-card-group">{{ row.title }}</h3>
    <div v-else :key="row.key" class="c-card-row">
      <div>{{ row.words }}<span v-if="row.own" class="c-chip c-own">own</span></div>
      <details>
        <summary><code>{{ row.name }}</code>{{ row.unit }}</summary>
        <div>{{ row.made }}</div><code>{{ row.sql }}</code>
      </details>
      <dl>
        <template v-for="(cell, index) in row.cells" :key="index">
          <div v-if="cell.href"><dt>{{ cell.window }}</dt>
            <dd><a :href="cell.href" :aria-label="cell.label">{{ cell.text }}</a></dd></div>
        </template>
      </dl>
    </div>
  `,
  // one element of the server's is drawn once a row: its id would be there many times
  inheritAttrs: false,
  props: { scope: Object },
  computed: {
    row() {
      return this.scope.row;
    },
  },
};
