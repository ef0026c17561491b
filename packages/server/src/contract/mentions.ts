/**
 * What the clauses of a contract can tell apart: the facts that they read, and the constants that they compare each with. Two values
 * of a fact that are compared with nothing are the same to every clause.
 *
 * Facts are named alike whatever the action: `call.vendor`, `call.product.kind`, `call.channel.seller`, `call.at`, `class`, `use.turns`,
 * `session.labels`, `session.tenant`, `place.cloud`, `place.sovereignty`. What a session did is `use` to definitions, and `soFar` to clauses on places: the
 * one is all of it, the other what came before the call. A fact that the schema gains is found by its path.
 */
import type { Cedar } from './cedar.ts';
import { parseCedarFile, type PolicySource } from './cedar-source.ts';
import { parseUid } from './cedar-json.ts';
import { compileExpression } from './expression.ts';
import { type Link, MANIFEST_FILE, parseManifest } from './manifest.ts';
import { memoPlan } from './remembered.ts';
import type { ContractFiles } from './rule.ts';
import { type Env, entityValue, recordValue, type Value } from './value.ts';

export type Constant = string | number | boolean;

export interface Fact {
  /** What it is compared with, texts as they are, entities by their id, times in ms since 1970. */
  readonly constants: ReadonlySet<Constant>;
  /** It is a set that is searched. */
  readonly isSet: boolean;
  /** It is a time. */
  readonly isTime: boolean;
}

export interface Mentions {
  /** Every fact that is read. */
  readonly facts: ReadonlyMap<string, Fact>;
  /** Pairs of facts that are compared with each other. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Facts that clauses compute with: their constants may not be all that can be told apart. */
  readonly computed: readonly { readonly clause: string; readonly fact: string }[];
}

type Node = Readonly<Record<string, unknown>>;
export type Roots = Readonly<Record<'principal' | 'resource' | 'context', string>>;

/** What the variables of a policy stand for, by the kind of its action. */
export const PLACE_ROOTS: Roots = { principal: 'session', resource: 'place', context: '' };
export const SALE_ROOTS: Roots = { principal: 'call.channel', resource: 'call.product', context: 'call' };
export const DEFINITION_ROOTS: Roots = { principal: 'session', resource: 'call.product', context: '' };

/** Where an entity of a type is found, seen from the fact that it is compared with. */
const BY_TYPE: Readonly<Record<string, (path: string) => string>> = {
  Cloud: path => `${path}.cloud`,
  Region: path => `${path}.region`,
  Tenant: path => `${path}.tenant`,
  Product: path => `${path}.id`,
  Channel: path => `${path}.id`,
  Vendor: path => (path === 'call.product' ? `${path}.vendor` : path),
};

interface OpenFact {
  readonly constants: Set<Constant>;
  isSet: boolean;
  isTime: boolean;
}

interface Found {
  readonly facts: Map<string, OpenFact>;
  readonly pairs: (readonly [string, string])[];
  readonly computed: { clause: string; fact: string }[];
}

/** Of a contract that loads; what cannot be read is passed over. */
export function mentionsOf(files: ContractFiles, cedar: Cedar): Mentions {
  const ignore = (): void => undefined;
  const links = parseManifest(files[MANIFEST_FILE] ?? '', ignore)?.manifest.links ?? [];
  const policies = Object.entries(files).flatMap(([path, text]) =>
    path.endsWith('.cedar') ? parseCedarFile(cedar, path, text, ignore) : [],
  );
  return mentionsOfPolicies(policies, links);
}

export function mentionsOfPolicies(policies: readonly PolicySource[], links: readonly Link[]): Mentions {
  const found: Found = { facts: new Map(), pairs: [], computed: [] };
  for (const { id, est } of policies) {
    for (const roots of rootsOf(est.action)) {
      const reader: Reader = { found, roots, clause: id };
      for (const slot of ['principal', 'resource'] as const) {
        readScope(est[slot], roots[slot], reader);
        for (const link of links) if (link.template === id) noteUid(roots[slot], link[slot], reader);
      }
      for (const condition of est.conditions) read(condition.body, reader);
    }
  }
  share(found);
  return found;
}

/** What expressions read. Facts that are compared with each other do not share their constants yet. */
export function mentionsIn(nodes: readonly unknown[], roots: Roots): Mentions {
  const found: Found = { facts: new Map(), pairs: [], computed: [] };
  for (const node of nodes) read(node, { found, roots, clause: '' });
  return found;
}

/** Several contracts' together. */
export function joinMentions(all: readonly Mentions[]): Mentions {
  const found: Found = { facts: new Map(), pairs: [], computed: [] };
  for (const { facts, pairs, computed } of all) {
    for (const [path, fact] of facts) {
      const open = factAt(path, found);
      for (const constant of fact.constants) open.constants.add(constant);
      open.isSet ||= fact.isSet;
      open.isTime ||= fact.isTime;
    }
    found.pairs.push(...pairs);
    found.computed.push(...computed);
  }
  share(found);
  return found;
}

interface Reader {
  readonly found: Found;
  readonly roots: Roots;
  readonly clause: string;
}

/** By the kinds of action that a policy's scope reaches. */
export function rootsOf(action: unknown): readonly Roots[] {
  const scope = JSON.stringify(action);
  if (scope.includes('"op":"All"')) return [PLACE_ROOTS, SALE_ROOTS, DEFINITION_ROOTS];
  const roots = [
    scope.includes('"distribute"') ? SALE_ROOTS : null,
    scope.includes('"stateless"') ? DEFINITION_ROOTS : null,
  ].filter(one => one !== null);
  return roots.length > 0 && !/"(infer|place_state|execute|egress)"/.test(scope) ? roots : [PLACE_ROOTS, ...roots];
}

function factAt(path: string, { facts }: Found): OpenFact {
  const known = facts.get(path) ?? { constants: new Set(), isSet: false, isTime: false };
  facts.set(path, known);
  return known;
}

function isNode(json: unknown): json is Node {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function readScope(constraint: unknown, path: string, reader: Reader): void {
  if (!isNode(constraint)) return;
  noteEntity(path, constraint['entity'], reader);
  if (isNode(constraint['in'])) noteEntity(path, constraint['in']['entity'], reader);
}

function noteEntity(path: string, entity: unknown, reader: Reader): void {
  if (!isNode(entity)) return;
  const { type, id } = isNode(entity['__entity']) ? entity['__entity'] : entity;
  if (typeof type === 'string' && typeof id === 'string') note(path, entityValue(type, id, null), reader);
}

function noteUid(path: string, text: string | null, reader: Reader): void {
  const uid = text === null ? null : parseUid(text);
  if (uid !== null) note(path, entityValue(uid.type, uid.id, null), reader);
}

/** Keeps that a fact is compared with a value. */
function note(path: string, value: Value, reader: Reader): void {
  if (typeof value === 'bigint') return note(path, Number(value), reader);
  if (typeof value !== 'object') return void factAt(path, reader.found).constants.add(value);
  switch (value.kind) {
    case 'entity': {
      factAt(BY_TYPE[value.type]?.(path) ?? path, reader.found).constants.add(value.id);
      return;
    }
    case 'set':
      for (const item of [...value.list, ...value.objects]) note(path, item, reader);
      return;
    case 'datetime': {
      const fact = factAt(path, reader.found);
      fact.isTime = true;
      fact.constants.add(Number(value.ms));
      return;
    }
    case 'record':
    case 'ip':
    case 'decimal':
    case 'duration':
      reader.found.computed.push({ clause: reader.clause, fact: path });
  }
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', 'in']);
const SEARCHES: ReadonlySet<string> = new Set(['contains', 'containsAll', 'containsAny']);

function read(node: unknown, reader: Reader): void {
  if (Array.isArray(node)) return node.forEach(item => read(item, reader));
  if (!isNode(node)) return;
  const path = pathOf(node, reader.roots);
  if (path !== null) return void factAt(path, reader.found);
  for (const [operator, operands] of Object.entries(node)) {
    if (!isNode(operands)) {
      if (Array.isArray(operands)) readCall(operands, reader);
      continue;
    }
    const { left, right } = operands;
    if (COMPARISONS.has(operator) || SEARCHES.has(operator)) compare(left, right, operator, reader);
    else if (operator === 'like') like(left, operands['pattern'], reader);
    else if (operator === 'is' && operands['in'] !== undefined) compare(left, operands['in'], 'in', reader);
    else if (operator === 'has') read({ '.': { left, attr: operands['attr'] } }, reader);
    else if (operator !== 'Value') Object.values(operands).forEach(operand => read(operand, reader));
  }
}

/** A function of an extension: what it computes from is not only what it is compared with. */
function readCall(operands: readonly unknown[], reader: Reader): void {
  for (const operand of operands) {
    const path = isNode(operand) ? pathOf(operand, reader.roots) : null;
    if (path !== null) reader.found.computed.push({ clause: reader.clause, fact: path });
    read(operand, reader);
  }
}

function compare(left: unknown, right: unknown, operator: string, reader: Reader): void {
  const one = pathOf(left, reader.roots);
  const other = pathOf(right, reader.roots);
  if (one !== null && other !== null) reader.found.pairs.push([one, other]);
  for (const [path, against, isSet] of [
    [one, right, SEARCHES.has(operator)],
    [other, left, SEARCHES.has(operator) && operator !== 'contains'],
  ] as const) {
    if (path === null) continue;
    if (isSet) factAt(path, reader.found).isSet = true;
    const value = constantOf(against);
    if (value !== null) note(path, value, reader);
    else if (one === null || other === null) note(path, recordValue([]), reader);
    if (value === null || !namesEntities(value)) readWhole(path, reader);
  }
  if (one === null) read(left, reader);
  if (other === null) read(right, reader);
}

function namesEntities(value: Value): boolean {
  if (typeof value !== 'object') return false;
  return value.kind === 'entity' || (value.kind === 'set' && value.objects.some(namesEntities));
}

/** A variable by itself is no fact: `resource in Cloud::"aws"` reads the cloud alone. */
function readWhole(path: string, reader: Reader): void {
  if (!Object.values(reader.roots).includes(path)) factAt(path, reader.found);
}

function like(left: unknown, pattern: unknown, reader: Reader): void {
  const path = pathOf(left, reader.roots);
  if (path === null) return read(left, reader);
  const parts = Array.isArray(pattern) ? pattern : [];
  const texts = parts.map((part: unknown) => (isNode(part) ? String(part['Literal']) : ''));
  note(path, texts.join(''), reader);
}

/** The fact that an expression is: a variable, or an attribute of one. */
export function pathOf(node: unknown, roots: Roots): string | null {
  if (!isNode(node)) return null;
  const name = node['Var'];
  if (name === 'principal' || name === 'resource' || name === 'context') return roots[name];
  const access = node['.'];
  if (!isNode(access) || typeof access['attr'] !== 'string') return null;
  const of = pathOf(access['left'], roots);
  if (of === null) return null;
  if (of !== '') return `${of}.${access['attr']}`;
  return roots === PLACE_ROOTS && access['attr'] === 'use' ? 'soFar' : access['attr'];
}

const NOBODY = entityValue('None', '', null);
const EMPTY_ENV: Env = {
  principal: NOBODY,
  action: NOBODY,
  resource: NOBODY,
  context: recordValue([]),
  entities: new Map(),
  callMemo: null,
  placeMemo: null,
};

/** What an expression without variables comes to; null if it has some, or fails. */
export function constantOf(node: unknown): Value | null {
  if (node === null || /"(Var|Slot)":/.test(JSON.stringify(node))) return null;
  try {
    return compileExpression(node, memoPlan()).run(EMPTY_ENV);
  } catch {
    return null;
  }
}

/** A value that two facts may have both, beside those that clauses name: they can then be equal and unequal. */
const THE_SAME = 'the-same';

/** Facts that are compared with each other can be told apart by each other's constants. */
function share({ facts, pairs }: Found): void {
  for (const pair of pairs) {
    const both = pair.flatMap(path => facts.get(path) ?? []);
    if (both.every(({ isSet, isTime }) => !isSet && !isTime)) for (const fact of both) fact.constants.add(THE_SAME);
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const [a, b] of pairs) {
      for (const [from, to] of [
        [facts.get(a), facts.get(b)],
        [facts.get(b), facts.get(a)],
      ]) {
        for (const constant of from?.constants ?? []) {
          if (to === undefined || to.constants.has(constant)) continue;
          to.constants.add(constant);
          changed = true;
        }
      }
    }
  }
}
