/**
 * How far a policy reaches, told before a request is known in full: the facts that it reads, and conditions without which it does not apply.
 * Where one of those fails, no other fact that the policy reads makes a difference to it.
 */
import type { Cedar } from './cedar.ts';
import { parseUid } from './cedar-json.ts';
import { parseCedarFile } from './cedar-source.ts';
import { compileExpression } from './expression.ts';
import {
  callValues,
  channelEntity,
  contextOf,
  definitionContext,
  productEntity,
  type RuleFacts,
  saleContext,
} from './facts.ts';
import { envOfCall } from './judge.ts';
import { latest } from './kept.ts';
import { MANIFEST_FILE, parseManifest } from './manifest.ts';
import {
  type Constant,
  constantOf,
  DEFINITION_ROOTS,
  mentionsIn,
  pathOf,
  PLACE_ROOTS,
  type Roots,
  rootsOf,
  SALE_ROOTS,
} from './mentions.ts';
import { memoPlan } from './remembered.ts';
import type { ContractFiles } from './rule.ts';
import { type Env, entityValue, EvaluationError } from './value.ts';

/** A fact by its path, as `mentions.ts` names it. */
export interface Read {
  readonly path: string;
  /** Of a set of words, those that are looked for; null: any may be. */
  readonly words: ReadonlySet<Constant> | null;
}

export interface Need {
  readonly reads: readonly Read[];
  readonly holds: (facts: RuleFacts) => boolean;
}

export interface Reach {
  readonly of: 'place' | 'sale' | 'definition';
  /** Null: every one. */
  readonly actions: ReadonlySet<string> | null;
  readonly reads: readonly Read[];
  readonly needs: readonly Need[];
}

type Node = Readonly<Record<string, unknown>>;

/** Of the policies of a contract that loads, templates once for all of their links. */
export function reachesOf(files: ContractFiles, cedar: Cedar): readonly Reach[] {
  const ignore = (): void => undefined;
  const links = parseManifest(files[MANIFEST_FILE] ?? '', ignore)?.manifest.links ?? [];
  return Object.entries(files).flatMap(([path, text]) => {
    if (!path.endsWith('.cedar')) return [];
    return parseCedarFile(cedar, path, text, ignore).flatMap(({ id, est }) => {
      const linked = links.filter(({ template }) => template === id);
      const scopes = (['principal', 'resource'] as const).flatMap(slot => [
        ...scopeTest(slot, est[slot]),
        ...linked.flatMap(link => linkTest(slot, link[slot])),
      ]);
      const sure = linked.length === 0 ? scopes : [];
      const conjuncts = [...sure, ...est.conditions.flatMap(({ kind, body }) => conjunctsOf(body, kind === 'when'))];
      const all = [...scopes, ...est.conditions.map(({ body }) => body)];
      return rootsOf(est.action).map(roots => reachOf(roots, actionsOf(est.action), all, conjuncts));
    });
  });
}

function reachOf(
  roots: Roots,
  actions: ReadonlySet<string> | null,
  all: readonly unknown[],
  conjuncts: readonly unknown[],
): Reach {
  const of = roots === PLACE_ROOTS ? 'place' : roots === SALE_ROOTS ? 'sale' : 'definition';
  // What fails before a condition is asked is no matter of that condition.
  const needs = mayFail(all)
    ? []
    : conjuncts.flatMap(conjunct => {
        const reads = readsIn([conjunct], roots);
        const known = reads.length > 0 && reads.every(({ path }) => !/^(place|class|use|$)/.test(path));
        return known ? [{ reads, holds: testOf(conjunct, roots) }] : [];
      });
  return { of, actions, reads: readsIn(all, roots), needs };
}

function readsIn(nodes: readonly unknown[], roots: Roots): readonly Read[] {
  const whole = new Set<string>();
  for (const node of nodes) readWhole(node, roots, whole);
  return [...mentionsIn(nodes, roots).facts].map(([path, { constants, isSet }]) => ({
    path,
    words: isSet && !whole.has(path) ? constants : null,
  }));
}

const SEARCHES = ['contains', 'containsAny', 'containsAll'] as const;

/** Facts of which more is read than whether they hold certain words. */
function readWhole(node: unknown, roots: Roots, whole: Set<string>): void {
  if (Array.isArray(node)) return node.forEach(item => readWhole(item, roots, whole));
  if (!isNode(node)) return;
  const path = pathOf(node, roots);
  if (path !== null) return void whole.add(path);
  const searched = SEARCHES.map(operator => node[operator]).find(isNode);
  if (searched !== undefined && pathOf(searched['left'], roots) !== null && constantOf(searched['right']) !== null)
    return;
  Object.values(node).forEach(inner => readWhole(inner, roots, whole));
}

function isNode(json: unknown): json is Node {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** A constraint of the scope as an expression, of an entity that it names. */
function scopeTest(slot: 'principal' | 'resource', constraint: unknown): readonly unknown[] {
  if (!isNode(constraint)) return [];
  const named = isNode(constraint['in']) ? constraint['in'] : constraint;
  const { entity } = named;
  if (!isNode(entity)) return [];
  const operator = constraint['op'] === '==' ? '==' : 'in';
  const uid = '__entity' in entity ? entity : { __entity: entity };
  return [{ [operator]: { left: { Var: slot }, right: { Value: uid } } }];
}

function linkTest(slot: 'principal' | 'resource', text: string | null): readonly unknown[] {
  const uid = text === null ? null : parseUid(text);
  if (uid === null) return [];
  return [{ in: { left: { Var: slot }, right: { Value: { __entity: { type: uid.type, id: uid.id } } } } }];
}

/** Operands of a conjunction; of what must not hold, those of a disjunction, each negated. */
function conjunctsOf(node: unknown, wanted: boolean): readonly unknown[] {
  if (!isNode(node)) return [];
  const not = node['!'];
  if (isNode(not)) return conjunctsOf(not['arg'], !wanted);
  const both = node[wanted ? '&&' : '||'];
  if (isNode(both)) return [both['left'], both['right']].flatMap(side => conjunctsOf(side, wanted));
  return [wanted ? node : { '!': { arg: node } }];
}

function actionsOf(action: unknown): ReadonlySet<string> | null {
  if (!isNode(action) || action['op'] === 'All') return null;
  const entities: unknown = action['entities'] ?? [action['entity']];
  const ids = (Array.isArray(entities) ? entities : []).flatMap((entity: unknown) => {
    const uid = isNode(entity) && isNode(entity['__entity']) ? entity['__entity'] : entity;
    return isNode(uid) && typeof uid['id'] === 'string' ? [uid['id']] : [];
  });
  return ids.length === 0 ? null : new Set(ids);
}

/** Attributes that not every place has: a policy that asks for one fails where it is absent. */
const MAY_BE_ABSENT: ReadonlySet<unknown> = new Set(['model', 'accelerator']);
/** What cannot fail on a request that is whole: everything but arithmetic, and functions of what a request says. */
const CANNOT_FAIL: ReadonlySet<string> = new Set(
  'Value Var . has like is in == != < <= > >= && || ! if-then-else Set Record contains containsAll containsAny isEmpty'.split(
    ' ',
  ),
);
const LITERALS: ReadonlySet<string> = new Set(['datetime', 'decimal', 'duration', 'ip']);

function mayFail(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(mayFail);
  if (!isNode(node)) return false;
  return Object.entries(node).some(([operator, operands]) => {
    if (operator === 'Value') return false;
    if (LITERALS.has(operator)) return JSON.stringify(operands).includes('"Var"');
    if (!CANNOT_FAIL.has(operator)) return true;
    if (operator === '.' && isNode(operands) && MAY_BE_ABSENT.has(operands['attr'])) return true;
    return operator === 'Record' || !isNode(operands) ? mayFail(operands) : Object.values(operands).some(mayFail);
  });
}

const NOBODY = entityValue('Action', 'any', null);
const valuesOf = latest(callValues);

function testOf(conjunct: unknown, roots: Roots): Need['holds'] {
  const { run } = compileExpression(conjunct, memoPlan());
  return facts => {
    try {
      return run(envOf(facts, roots)) === true;
    } catch (error) {
      // It asks for the agent where there is none: a condition before it has seen to that, but may not be known yet.
      if (error instanceof EvaluationError) return true;
      throw error;
    }
  };
}

function envOf(facts: RuleFacts, roots: Roots): Env {
  const { session, at, recorded } = facts;
  const values = valuesOf(facts);
  if (roots === PLACE_ROOTS) {
    // What both are told is the same.
    const more = [...contextOf('execute', facts), ...contextOf('egress', facts)];
    return { ...envOfCall(NOBODY, values, '', more), callMemo: null };
  }
  const { principal, product, entities } = values;
  const memos = { callMemo: null, placeMemo: null };
  if (roots === DEFINITION_ROOTS)
    return { principal, action: NOBODY, resource: product, context: definitionContext(values), entities, ...memos };
  const { channel, segment } = session;
  const context = saleContext({ channel, product: session.product, segment, at, recorded });
  const sold = productEntity(session.product);
  return { principal: channelEntity(channel), action: NOBODY, resource: sold, context, entities, ...memos };
}
