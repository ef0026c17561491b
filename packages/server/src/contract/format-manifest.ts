/** The layout of `contract.yaml`: keys in the documented order, one style of collections, comments where their keys are. */
import { isMap, isNode, isScalar, type Node, type Pair, Parser, parseDocument } from 'yaml';

/** As `contracts/README.md` lists them. Keys that are not here keep their order, behind these. */
const ORDER = [
  'id version kind title parties effective supersedes scope default_reading readings sources clauses links',
  'commitments capacity prepaid tranches shares',
].flatMap(line => line.split(' '));

/** Of the entries of a list or map of the manifest. */
const ENTRY_ORDER: Readonly<Record<string, readonly string[]>> = {
  readings: ['id', 'title', 'retrospective'],
  sources: ['title', 'date', 'ref'],
  clauses: ['source', 'confidence', 'summary'],
  links: ['id', 'template', 'principal', 'resource'],
};

const WIDTH = 120;

/** Null if it cannot be read. */
export function formatManifest(text: string): string | null {
  const document = parseDocument(text.replaceAll('\r\n', '\n'), { prettyErrors: false });
  if (document.errors.length > 0 || !isMap(document.contents)) return null;
  const { contents } = document;
  order(contents, ORDER);
  order(contents.get('effective', true), ['from', 'to']);
  order(contents.get('scope', true), ['vendors', 'products']);
  for (const [key, keys] of Object.entries(ENTRY_ORDER)) {
    const entries: unknown = contents.get(key, true);
    if (!isNode(entries) || !('items' in entries)) continue;
    for (const item of entries.items as readonly (Node | Pair)[]) order(isNode(item) ? item : item.value, keys);
  }
  // A line is not broken where the library would: a clause on one line is read as a row of a table.
  const laid = document.toString({ lineWidth: 0, flowCollectionPadding: false, indent: 2, indentSeq: true });
  return foldTexts(`${laid.trim()}\n`);
}

function order(node: unknown, keys: readonly string[]): void {
  if (!isMap(node)) return;
  const rank = (pair: Pair): number => {
    const at = keys.indexOf(keyOf(pair));
    return at < 0 ? keys.length : at;
  };
  const [first] = node.items;
  const sorted = node.items
    .map((pair, i) => ({ pair, i }))
    .toSorted((a, b) => rank(a.pair) - rank(b.pair) || a.i - b.i);
  const items = sorted.map(({ pair }) => pair);
  if (items[0] !== first) moveSpace(first, items[0]);
  node.items = items;
}

/** The blank line before a key that comes to the top stays behind. */
function moveSpace(from: Pair | undefined, to: Pair | undefined): void {
  if (!isNode(to?.key) || !isNode(from?.key)) return;
  if (to.key.spaceBefore === true) from.key.spaceBefore = true;
  to.key.spaceBefore = false;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

/** Breaks the long lines of texts that are written folded (`>-`), which the library writes on one line each. */
function foldTexts(text: string): string {
  const lines: string[] = [];
  let inside: number | null = null;
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length;
    if (inside !== null && line !== '' && indent <= inside) inside = null;
    lines.push(...(inside === null ? [line] : fold(line, indent)));
    if (inside === null && /^[^#]*: >[-+]?$/.test(line)) inside = indent;
  }
  return lines.join('\n');
}

function fold(line: string, indent: number): readonly string[] {
  const lines: string[] = [];
  let left = line;
  for (;;) {
    const at = left.length <= WIDTH ? -1 : breakAt(left, indent);
    if (at < 0) return [...lines, left];
    lines.push(left.slice(0, at));
    left = ' '.repeat(indent) + left.slice(at + 1);
  }
}

/** The last single space at which a line can be broken. */
function breakAt(line: string, indent: number): number {
  for (let at = WIDTH; at > indent; at--)
    if (line[at] === ' ' && line[at - 1] !== ' ' && line[at + 1] !== ' ' && line[at + 1] !== undefined) return at;
  return -1;
}

/** What the manifest says; null if it cannot be read. */
export function manifestValue(text: string): string | null {
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors.length > 0) return null;
  return JSON.stringify(sorted(document.toJS()));
}

/** The order of keys means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, one]) => [key, sorted(one)]);
}

/** Every comment, without the space at its ends. */
export function manifestComments(text: string): readonly string[] {
  const comments: string[] = [];
  const walk = (token: unknown): void => {
    if (Array.isArray(token)) return token.forEach(walk);
    if (typeof token !== 'object' || token === null) return;
    if ('type' in token && token.type === 'comment' && 'source' in token) comments.push(String(token.source).trim());
    else Object.values(token).forEach(walk);
  };
  for (const token of new Parser().parse(text)) walk(token);
  return comments;
}
