// A table of text as one element: Vue escapes what stands in {{ }} and binds href as text.
export default {
  template: `
    <div class="c-scroll" tabindex="0">
      <table class="c-table">
        <thead>
          <tr>
            <th v-for="(name, n) in columns" :key="n" scope="col" :class="{'c-number': numbers[n]}">
              <span class="c-inline">{{ name }}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <tr v-for="(row, r) in rows" :key="r">
            <td v-for="(cell, n) in row" :key="n" :class="{'c-number': numbers[n]}">
              <a v-if="cell.href" :href="cell.href" :aria-label="cell.label" class="nicegui-link">{{
                cell.text
              }}</a>
              <span v-else class="c-inline">{{ cell.text ?? cell }}</span>
            </td>
          </tr>
        </tbody>
      </table>
    </div>
  `,
  props: { columns: Array, rows: Array, numbers: Array },
};
