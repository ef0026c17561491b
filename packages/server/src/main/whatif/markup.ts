const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, char => ENTITIES[char] ?? char);
}

/** A cell of a table: `figure` names it, so that whoever reads the page by program finds the same figure as in the JSON export. */
export interface DataCell {
  readonly text: string;
  readonly figure?: string;
  readonly value?: string | number;
}

export function dataTable(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly [label: string, ...cells: DataCell[]])[],
): string {
  const [first] = rows;
  const head = header
    .map((name, i) => {
      const cell = i === 0 ? undefined : first?.[i];
      return `<th scope="col"${typeof cell === 'object' ? side(cell) : ''}>${escapeHtml(name)}</th>`;
    })
    .join('');
  const body = rows
    .map(([label, ...cells]) => `<tr><th scope="row">${escapeHtml(label)}</th>${cells.map(cellOf).join('')}</tr>`)
    .join('');
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function cellOf({ text, figure, value }: DataCell): string {
  const named =
    figure === undefined
      ? ''
      : ` data-figure="${escapeHtml(figure)}" data-value="${escapeHtml(String(value ?? text))}"`;
  return `<td${side({ text })}${named}>${escapeHtml(text)}</td>`;
}

/** Numbers to the right, words to the left. */
function side({ text }: DataCell): string {
  return /^[+-]?\$?[\d,.]+$|^-$/.test(text) ? '' : ' class="words"';
}
