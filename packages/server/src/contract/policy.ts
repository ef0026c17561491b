/**
 * Policies as closures, and what a list of them decides.
 *
 * A policy runs in two stages. The first reads only the call, so that it runs once for all places of a call; the second reads the
 * place. Splitting changes no result: the scope cannot fail, and the conditions keep their order.
 */
import type { Ask } from './block.ts';
import { uidFromJson } from './cedar-json.ts';
import { asBool, isIn } from './operators.ts';
import { compileExpression, UnsupportedPolicy } from './expression.ts';
import { askOnce, questionOf } from './question.ts';
import { type Compiled, type MemoPlan, memoPlan, READS, remembered, slotOf } from './remembered.ts';
import { type Env, EvaluationError, entityKey } from './value.ts';

export type Outcome = 'applies' | 'not' | EvaluationError;

export interface CompiledPolicy {
  readonly effect: 'permit' | 'forbid';
  /** Whether an action (its entity key, no groups) can match the policy's scope. */
  readonly matchesAction: (actionKey: string) => boolean;
  /** What the call alone says, of a policy whose action matches: `not` for every place, an error for every place in scope, or `maybe`. */
  readonly onCall: (env: Env) => 'maybe' | 'not' | EvaluationError;
  /** The outcome at a place, given what `onCall` said of the same call (`not` excepted). */
  readonly onPlace: (env: Env, call: 'maybe' | EvaluationError) => Outcome;
  /** The places in the policy's scope. */
  readonly scope: Ask;
  /** Of places in scope, where the call said `maybe`: those where the policy applies. Throws if it fails at one; `onPlace` then tells. */
  readonly onPlaces: Ask;
  /** Both stages: the outcome for one request. */
  readonly evaluate: (env: Env) => Outcome;
}

/** Values for the slots of a template: `principal` and `resource`. */
export type Slots = ReadonlyMap<string, string>;

type Test = (env: Env) => boolean;
const ALWAYS: Test = () => true;

function unsupported(what: unknown): UnsupportedPolicy {
  return new UnsupportedPolicy('unsupported_node', `unsupported in a policy's scope: ${JSON.stringify(what)}`);
}

function asObject(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw unsupported(json);
  return json as Readonly<Record<string, unknown>>;
}

function keyFrom(json: unknown): string {
  const uid = uidFromJson(json);
  if (uid === null) throw unsupported(json);
  return entityKey(uid.type, uid.id);
}

/** The entity that a scope names, itself or through a slot. */
function scopeKey(constraint: Readonly<Record<string, unknown>>, slots: Slots): string {
  if (typeof constraint['slot'] !== 'string') return keyFrom(constraint['entity']);
  const linked = slots.get(constraint['slot']);
  if (linked === undefined) throw unsupported(constraint);
  return linked;
}

function compileScope(json: unknown, of: 'principal' | 'resource', slots: Slots): Test {
  const constraint = asObject(json);
  switch (constraint['op']) {
    case 'All':
      return ALWAYS;
    case '==': {
      const key = scopeKey(constraint, slots);
      return env => env[of].key === key;
    }
    case 'in': {
      const key = scopeKey(constraint, slots);
      return env => isIn(env[of], key, env);
    }
    case 'is': {
      const type = constraint['entity_type'];
      if (typeof type !== 'string') throw unsupported(constraint);
      if (constraint['in'] === undefined) return env => env[of].type === type;
      const key = scopeKey(asObject(constraint['in']), slots);
      return env => env[of].type === type && isIn(env[of], key, env);
    }
    default:
      throw unsupported(constraint);
  }
}

function compileActionScope(json: unknown): Test | ReadonlySet<string> {
  const constraint = asObject(json);
  if (constraint['op'] === 'All') return ALWAYS;
  const { entity, entities } = constraint;
  if (constraint['op'] === '==' || (constraint['op'] === 'in' && entity !== undefined))
    return new Set([keyFrom(entity)]);
  if (constraint['op'] === 'in' && Array.isArray(entities)) return new Set(entities.map(keyFrom));
  throw unsupported(constraint);
}

/** The conditions in order, as operands of one conjunction: `when` chains are taken apart at `&&`. */
function conjuncts(conditions: unknown, plan: MemoPlan): Compiled[] {
  if (!Array.isArray(conditions)) throw unsupported(conditions);
  return conditions.flatMap(json => {
    const { kind, body } = asObject(json);
    if (kind === 'when') return operands(body).map(est => compileExpression(est, plan));
    if (kind === 'unless') return [compileExpression({ '!': { arg: body } }, plan)];
    throw unsupported(json);
  });
}

function operands(est: unknown): unknown[] {
  const flat: unknown[] = [];
  const open = [est];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const and: unknown = typeof next === 'object' && next !== null && '&&' in next ? next['&&'] : undefined;
    if (and === undefined) {
      flat.push(next);
      continue;
    }
    const { left, right } = asObject(and);
    open.push(right, left);
  }
  return flat;
}

function conjunction(parts: readonly Compiled[]): Test {
  const runs = parts.map(part => part.run);
  const [a, b] = runs;
  if (a === undefined) return ALWAYS;
  if (b === undefined) return env => asBool(a(env));
  if (runs.length === 2) return env => asBool(a(env)) && asBool(b(env));
  return env => {
    for (const run of runs) if (!asBool(run(env))) return false;
    return true;
  };
}

/** The same of many places: the next part is asked only of the places that are left. */
function askAll(asks: readonly Ask[]): Ask {
  const [only] = asks;
  if (only !== undefined && asks.length === 1) return only;
  return (asking, need) => {
    let left = need;
    for (const ask of asks) {
      if (left === 0) break;
      left = ask(asking, left);
    }
    return left;
  };
}

function caught(error: unknown): EvaluationError {
  if (error instanceof EvaluationError) return error;
  throw error;
}

/**
 * Compiles a policy from Cedar's JSON form. Throws `UnsupportedPolicy`.
 * @param slots entity keys for `?principal` and `?resource`, if the policy is a template's link
 * @param plan shared by the policies that are evaluated with the same memos
 */
export function compilePolicy(est: unknown, slots: Slots = new Map(), plan: MemoPlan = memoPlan()): CompiledPolicy {
  const policy = asObject(est);
  const effect = policy['effect'];
  if (effect !== 'permit' && effect !== 'forbid') throw unsupported(effect);
  const principal = compileScope(policy['principal'], 'principal', slots);
  const action = compileActionScope(policy['action']);
  const resource = compileScope(policy['resource'], 'resource', slots);
  const parts = conjuncts(policy['conditions'], plan);
  const firstOnPlace = parts.findIndex(part => (part.reads & READS.place) !== 0);
  const split = firstOnPlace < 0 ? parts.length : firstOnPlace;
  const callConditions = conjunction(parts.slice(0, split).map(part => remembered(part, plan)));
  const placeConditions = conjunction(parts.slice(split).map(part => remembered(part, plan)));
  const scope: Ask =
    resource === ALWAYS
      ? (_asking, need) => need
      : askOnce(slotOf(plan.place, { scope: policy['resource'], slot: slots.get('?resource') }), resource);
  const actionTest: Test =
    typeof action === 'function' ? action : env => [...action].some(key => isIn(env.action, key, env));

  const onCall: CompiledPolicy['onCall'] = env => {
    if (!principal(env)) return 'not';
    try {
      return callConditions(env) ? 'maybe' : 'not';
    } catch (error) {
      return caught(error);
    }
  };
  const onPlace: CompiledPolicy['onPlace'] = (env, call) => {
    if (resource !== ALWAYS && !resource(env)) return 'not';
    if (call !== 'maybe') return call;
    try {
      return placeConditions(env) ? 'applies' : 'not';
    } catch (error) {
      return caught(error);
    }
  };
  return {
    effect,
    matchesAction: key => typeof action === 'function' || action.has(key),
    onCall,
    onPlace,
    scope,
    onPlaces: askAll(parts.slice(split).map(part => questionOf(part, plan))),
    evaluate: env => {
      if (!actionTest(env)) return 'not';
      const call = onCall(env);
      return call === 'not' ? 'not' : onPlace(env, call);
    },
  };
}

export interface Evaluation {
  /** `deny` also on any error: unlike stock Cedar, which skips a policy that fails. */
  readonly decision: 'allow' | 'deny';
  /** What Cedar gives as reasons: the forbids that apply if any does, else the permits that apply. */
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
}

/** Evaluates policies (by id) on one request. */
export function evaluate(policies: ReadonlyMap<string, CompiledPolicy>, env: Env): Evaluation {
  const permits: string[] = [];
  const forbids: string[] = [];
  const errors: string[] = [];
  for (const [id, policy] of policies) {
    const outcome = policy.evaluate(env);
    if (outcome === 'not') continue;
    if (outcome === 'applies') (policy.effect === 'permit' ? permits : forbids).push(id);
    else errors.push(id);
  }
  const allowed = permits.length > 0 && forbids.length === 0 && errors.length === 0;
  return { decision: allowed ? 'allow' : 'deny', reasons: forbids.length > 0 ? forbids : permits, errors };
}
