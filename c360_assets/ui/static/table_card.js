// A row of a table as a card, on phones; `scope` is what Quasar's table tells of the row.
// Vue escapes what stands in {{ }} and binds href as text; the paths come from `links`.
export default {
  template: `
    <div class="c-card-row">
      <dl>
        <div v-for="col in scope.cols" :key="col.name">
          <dt>{{ col.label }}</dt>
          <dd>
            <a v-if="scope.row[col.name + '_href']" :href="scope.row[col.name + '_href']"
               class="nicegui-link">{{ col.value }}</a>
            <span v-else>{{ col.value }}</span>
          </dd>
        </div>
      </dl>
    </div>
  `,
  // one element of the server's is drawn once a row: its id would be there many times
  inheritAttrs: false,
  props: { scope: Object },
};
