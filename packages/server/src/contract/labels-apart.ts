/** Labels of which clauses can tell whether the session or the request carries them. Of all others only the union of both counts. */
import type { Cedar } from './cedar.ts';
import { parseCedarFile } from './cedar-source.ts';
import { constantOf, pathOf, PLACE_ROOTS } from './mentions.ts';
import type { ContractFiles } from './rule.ts';
import type { Value } from './value.ts';

type Node = Readonly<Record<string, unknown>>;
type Either = '&&' | '||';

/** Null: every label. */
export type LabelsApart = ReadonlySet<string> | null;

export function labelsApart(files: ContractFiles, cedar: Cedar): LabelsApart {
  const found: Found = { labels: new Set(), all: false };
  for (const [path, text] of Object.entries(files)) {
    if (!path.endsWith('.cedar')) continue;
    for (const { est } of parseCedarFile(cedar, path, text, () => undefined))
      for (const { body } of est.conditions) visit(body, found);
  }
  return found.all ? null : found.labels;
}

/** Several contracts' together. */
export function joinApart(all: readonly LabelsApart[]): LabelsApart {
  return all.includes(null) ? null : new Set(all.flatMap(labels => [...(labels ?? [])]));
}

interface Found {
  readonly labels: Set<string>;
  all: boolean;
}

function isNode(json: unknown): json is Node {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function visit(node: unknown, found: Found): void {
  if (Array.isArray(node)) return node.forEach(item => visit(item, found));
  if (!isNode(node)) return;
  const path = pathOf(node, PLACE_ROOTS);
  if (path !== null) {
    // The call as a whole has its labels in it.
    if (holderOf(node) !== null || path === 'call' || path === '') found.all = true;
    return;
  }
  for (const either of ['&&', '||'] as const) {
    if (node[either] === undefined) continue;
    const operands = operandsOf(node, either);
    const texts = new Set(operands.map(operand => JSON.stringify(operand)));
    // A question that both are asked alike.
    const alone = operands.filter(one => !isOfUnion(one, either) || !texts.has(JSON.stringify(swapped(one))));
    return alone.forEach(operand => visit(operand, found));
  }
  const search = searchIn(node);
  const words = search === null || holderOf(search.left) === null ? null : constantOf(search.right);
  if (words !== null) return note(words, found);
  Object.values(node).forEach(inner => visit(inner, found));
}

function operandsOf(node: unknown, either: Either): readonly unknown[] {
  const both = isNode(node) ? node[either] : undefined;
  return isNode(both) ? [both['left'], both['right']].flatMap(side => operandsOf(side, either)) : [node];
}

/** Whether it comes to the same to ask both and join the answers, or to ask it of the union. */
function isOfUnion(node: unknown, either: Either): boolean {
  if (!isNode(node)) return false;
  const not = node['!'];
  if (isNode(not)) return isOfUnion(not['arg'], either === '&&' ? '||' : '&&');
  const search = searchIn(node);
  if (search === null) return false;
  const { operator, left, right } = search;
  if (either === '||') return operator !== 'containsAll' && holderOf(left) !== null && !mentionsHolder(right);
  return operator === 'containsAll' && holderOf(right) !== null && !mentionsHolder(left);
}

interface Search {
  readonly operator: 'contains' | 'containsAny' | 'containsAll';
  readonly left: unknown;
  readonly right: unknown;
}

function searchIn(node: Node): Search | null {
  for (const operator of ['contains', 'containsAny', 'containsAll'] as const) {
    const operands = node[operator];
    if (isNode(operands)) return { operator, left: operands['left'], right: operands['right'] };
  }
  return null;
}

const SESSION = { '.': { left: { Var: 'principal' }, attr: 'labels' } };
const REQUEST = { '.': { left: { '.': { left: { Var: 'context' }, attr: 'call' } }, attr: 'labels' } };
const OTHER: ReadonlyMap<string, object> = new Map<string, object>([
  [JSON.stringify(SESSION), REQUEST],
  [JSON.stringify(REQUEST), SESSION],
]);

/** Whose labels an expression is. */
function holderOf(node: unknown): string | null {
  const text = JSON.stringify(node);
  return OTHER.has(text) ? text : null;
}

function mentionsHolder(node: unknown): boolean {
  const text = JSON.stringify(node);
  return [...OTHER.keys()].some(holder => text.includes(holder));
}

function swapped(node: unknown): unknown {
  const other = OTHER.get(JSON.stringify(node));
  if (other !== undefined) return other;
  if (Array.isArray(node)) return node.map(swapped);
  return isNode(node) ? Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, swapped(inner)])) : node;
}

function note(words: Value, found: Found): void {
  if (typeof words === 'string') found.labels.add(words);
  else if (typeof words === 'object' && words.kind === 'set') for (const item of words.list) note(item, found);
}
