// An attribute of a profile in all its windows, or the title of a group, as a row of the table.
// Vue escapes what stands in {{ }} and binds the rest as text; the paths come from `Page.url`.
export default {
  template: `
    <tr v-if="row.title" :key="row.key" class="c-profile-group">
      <th colspan="7" scope="colgroup"><h3>{{ row.title }}</h3></th>
    </tr>
    <tr v-else :key="row.key">
      <th scope="row" class="c-profile-name">
        <div>{{ row.words }}<span v-if="row.own" class="c-chip c-own">own</span></div>
        <details>
          <summary><code>{{ row.name }}</code>{{ row.unit }}</summary>
          <div>{{ row.made }}</div><code>{{ row.sql }}</code>
        </details>
      </th>
      <td v-for="(cell, index) in row.cells" :key="index" class="text-right"
          :colspan="row.text ? 6 : 1" :class="{ 'c-profile-whole': row.text }">
        <a v-if="cell.href" :href="cell.href" :aria-label="cell.label">{{ cell.text }}</a>
      </td>
      <td v-if="row.cells.length === 1 && !row.text" colspan="5"></td>
    </tr>
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
