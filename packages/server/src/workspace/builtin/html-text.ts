/** The text of a page, for a model to read: without markup, scripts and styles. No browser: what scripts would show is not there. */

const ENTITIES: { readonly [name: string]: string } = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  mdash: '—',
  ndash: '–',
  hellip: '…',
};
/** What stands in lines of its own. */
const BLOCK =
  /^(address|article|aside|blockquote|br|dd|div|dl|dt|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|table|td|th|title|tr|ul)$/;
/** Nobody reads what is in them. */
const SILENT = /^(script|style|noscript|template|svg)$/;

export function htmlText(html: string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) break;
    parts.push(html.slice(at, open));
    if (html.startsWith('<!--', open)) {
      at = after(html, '-->', open + 4);
      continue;
    }
    const [tag, name = ''] = /^<\/?([A-Za-z][A-Za-z0-9]*)/.exec(html.slice(open, open + 40)) ?? [];
    if (tag === undefined) {
      parts.push(/^<[!?]/.test(html.slice(open, open + 2)) ? '' : '<');
      at = /^<[!?]/.test(html.slice(open, open + 2)) ? after(html, '>', open) : open + 1;
      continue;
    }
    at = after(html, '>', open);
    const word = name.toLowerCase();
    if (BLOCK.test(word)) parts.push('\n');
    if (SILENT.test(word) && !tag.startsWith('</')) at = closing(html, word, at);
  }
  parts.push(html.slice(at));
  return parts
    .join('')
    .replaceAll(/&(#x?[0-9a-f]{1,6}|[a-z]{2,8});/gi, (whole, name: string) => entity(name.toLowerCase()) ?? whole)
    .replaceAll(/[ \t\r\f\u00A0]+/g, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

function after(html: string, end: string, from: number): number {
  const found = html.indexOf(end, from);
  return found < 0 ? html.length : found + end.length;
}

/** Two searches, not one pattern: on a page that is made to hurt, that would look at the rest again and again. */
function closing(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}`, 'gi');
  end.lastIndex = from;
  return end.exec(html) === null ? html.length : after(html, '>', end.lastIndex);
}

function entity(name: string): string | undefined {
  if (!name.startsWith('#')) return ENTITIES[name];
  const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
