/**
 * Cedar expressions as closures, compiled from Cedar's JSON form.
 *
 * Semantics are exactly Cedar's, short circuit and type errors included: `policy.property.test.ts` holds the closures to
 * cedar-wasm. What is not known here is refused when a contract is loaded, never met at run time.
 */
import type { Ask } from './block.ts';
import { valueFromJson } from './cedar-json.ts';
import { EXTENSION_FUNCTIONS } from './extension.ts';
import { likeMatcher } from './like.ts';
import * as ops from './operators.ts';
import { askAnd, askIf, askNot, askOr, questionOf } from './question.ts';
import { type Compiled, type MemoPlan, memoPlan, READS, type Reads, remembered, type Run } from './remembered.ts';
import { type Env, EvaluationError, recordValue, setValue, type Value } from './value.ts';

export type UnsupportedCode = 'unsupported_node' | 'integer_too_large' | 'expression_too_deep';

/** The policy says something that this compiler does not know. */
export class UnsupportedPolicy extends Error {
  override readonly name = 'UnsupportedPolicy';
  readonly code: UnsupportedCode;
  constructor(code: UnsupportedCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** How deep the nodes of one condition may nest: evaluation recurses. */
export const MAX_EXPRESSION_DEPTH = 200;

type Node = Readonly<Record<string, unknown>>;
type Compile = (est: unknown) => Compiled;

interface Context {
  readonly compile: Compile;
  readonly plan: MemoPlan;
  readonly est: unknown;
}

function refuse(what: unknown): UnsupportedPolicy {
  return new UnsupportedPolicy('unsupported_node', `unsupported expression: ${JSON.stringify(what)}`);
}

function asNode(est: unknown): Node {
  if (typeof est !== 'object' || est === null || Array.isArray(est)) throw refuse(est);
  return est as Node;
}

function asName(est: unknown): string {
  if (typeof est !== 'string') throw refuse(est);
  return est;
}

function asList(est: unknown): readonly unknown[] {
  if (!Array.isArray(est)) throw refuse(est);
  return est;
}

function readsOf(parts: readonly Compiled[], least: Reads = READS.nothing): Reads {
  return parts.reduce((reads, part) => reads | part.reads, least);
}

function sizeOf(parts: readonly Compiled[]): number {
  return parts.reduce((size, part) => size + part.size, 1);
}

/**
 * An expression made of parts. Where the whole depends on call and place, parts that depend on one of them are remembered.
 * @param least what the operator itself reads, whatever its parts do
 */
function made(
  { plan, est }: Context,
  parts: readonly Compiled[],
  run: (parts: readonly Run[]) => Run,
  least: Reads = READS.nothing,
): Compiled {
  const reads = readsOf(parts, least);
  const ready = reads === READS.both ? parts.map(part => remembered(part, plan)) : parts;
  return { run: run(ready.map(part => part.run)), reads, size: sizeOf(parts), est };
}

/** A condition made of conditions: also as a question to many places. */
function condition(
  context: Context,
  parts: readonly Compiled[],
  run: (parts: readonly Run[]) => Run,
  ask: (parts: readonly Ask[]) => Ask,
): Compiled {
  const compiled = made(context, parts, run);
  if (compiled.reads !== READS.both) return compiled;
  return { ...compiled, ask: ask(parts.map(part => questionOf(part, context.plan))) };
}

const EMPTY = { kind: 'entity', type: '', id: '', key: '', data: null } as const;
const NOWHERE: Env = {
  principal: EMPTY,
  action: EMPTY,
  resource: EMPTY,
  context: recordValue([]),
  entities: new Map(),
  callMemo: null,
  placeMemo: null,
};

/** Evaluates what depends on nothing once, now. What fails is left to fail where Cedar would: its branch may never run. */
function fold(compiled: Compiled): Compiled {
  if (compiled.reads !== READS.nothing) return compiled;
  try {
    const value = compiled.run(NOWHERE);
    return { run: () => value, reads: READS.nothing, size: 1, est: compiled.est };
  } catch (error) {
    if (error instanceof EvaluationError) return compiled;
    throw error;
  }
}

const RESOURCE: Compiled = { run: env => env.resource, reads: READS.place, size: 1, est: { Var: 'resource' } };

const VARIABLES: ReadonlyMap<string, Compiled> = new Map<string, Compiled>([
  ['principal', { run: env => env.principal, reads: READS.call, size: 1, est: { Var: 'principal' } }],
  ['action', { run: env => env.action, reads: READS.call, size: 1, est: { Var: 'action' } }],
  ['resource', RESOURCE],
  ['context', { run: env => env.context, reads: READS.call, size: 1, est: { Var: 'context' } }],
]);

type Shape = (body: unknown, context: Context) => Compiled;

/**
 * What looking an entity up reads. The place's own data comes with it; that of others is among the entities of the call. A literal
 * may be the place's own name: whether it is known changes from place to place.
 */
function lookupReads(of: Compiled): Reads {
  if (of === RESOURCE) return READS.nothing;
  return of.reads === READS.nothing ? READS.both : READS.call;
}

/** Nodes with a shape of their own. */
const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['Value', compileValue],
  ['Var', compileVariable],
  ['Set', compileSet],
  ['Record', compileRecord],
  ['!', compileNot],
  ['&&', compileAnd],
  ['||', compileOr],
  ['if-then-else', compileIf],
  ['.', compileAttribute],
  ['has', compileHas],
  ['like', compileLike],
  ['is', compileIs],
]);

/** Every operator this compiler knows: the property test must have met each. */
export const OPERATORS: readonly string[] = [
  ...SHAPES.keys(),
  ...ops.BINARY.keys(),
  ...ops.BINARY_ON_ENTITIES.keys(),
  ...ops.UNARY.keys(),
  ...EXTENSION_FUNCTIONS.keys(),
];

/** Compiles one expression of Cedar's JSON form. Throws `UnsupportedPolicy`. */
export function compileExpression(est: unknown, plan: MemoPlan = memoPlan(), depth = 0): Compiled {
  if (depth > MAX_EXPRESSION_DEPTH) {
    throw new UnsupportedPolicy('expression_too_deep', `an expression nests more than ${MAX_EXPRESSION_DEPTH} deep`);
  }
  const [entry, ...more] = Object.entries(asNode(est));
  if (entry === undefined || more.length > 0) throw refuse(est);
  const [op, body] = entry;
  return fold(compileNode(op, body, { plan, est, compile: inner => compileExpression(inner, plan, depth + 1) }));
}

function compileNode(op: string, body: unknown, context: Context): Compiled {
  const shape = SHAPES.get(op);
  if (shape !== undefined) return shape(body, context);
  const pure = ops.BINARY.get(op);
  if (pure !== undefined) return compileBinary(pure, READS.nothing, body, context);
  const onEntities = ops.BINARY_ON_ENTITIES.get(op);
  if (onEntities !== undefined)
    return compileBinary(onEntities, lookupReads(context.compile(asNode(body)['left'])), body, context);
  const unary = ops.UNARY.get(op);
  if (unary !== undefined) {
    return made(
      context,
      [context.compile(asNode(body)['arg'])],
      ([arg = never]) =>
        env =>
          unary(arg(env)),
    );
  }
  return compileCall(op, asList(body).map(context.compile), context);
}

const never = (): never => {
  throw new Error('an operand is missing');
};

function sides(body: unknown, { compile }: Context): [Compiled, Compiled] {
  const node = asNode(body);
  return [compile(node['left']), compile(node['right'])];
}

function compileBinary(operator: ops.BinaryOperator, least: Reads, body: unknown, context: Context): Compiled {
  return made(
    context,
    sides(body, context),
    ([left = never, right = never]) =>
      env =>
        operator(left(env), right(env), env),
    least,
  );
}

function compileValue(body: unknown): Compiled {
  // Cedar's JSON carries 64-bit integers as JSON numbers: beyond 2^53 the digits are gone before they reach us.
  if (typeof body === 'number' && !Number.isSafeInteger(body)) {
    throw new UnsupportedPolicy('integer_too_large', `an integer beyond 2^53 - 1 cannot be read exactly: ${body}`);
  }
  try {
    const value = valueFromJson(body);
    return { run: () => value, reads: READS.nothing, size: 1, est: { Value: body } };
  } catch (error) {
    if (error instanceof EvaluationError) throw refuse(body);
    throw error;
  }
}

function compileVariable(body: unknown): Compiled {
  const variable = VARIABLES.get(asName(body));
  if (variable === undefined) throw refuse(body);
  return variable;
}

function compileSet(body: unknown, context: Context): Compiled {
  return made(context, asList(body).map(context.compile), items => env => setValue(items.map(item => item(env))));
}

function compileRecord(body: unknown, context: Context): Compiled {
  const node = asNode(body);
  const names = Object.keys(node);
  const fields = Object.values(node).map(context.compile);
  return made(context, fields, runs => env => recordValue(runs.map((run, i) => [names[i] ?? '', run(env)] as const)));
}

function compileNot(body: unknown, context: Context): Compiled {
  return condition(
    context,
    [context.compile(asNode(body)['arg'])],
    ([arg = never]) =>
      env =>
        !ops.asBool(arg(env)),
    ([arg = never]) => askNot(arg),
  );
}

function compileAnd(body: unknown, context: Context): Compiled {
  return condition(
    context,
    sides(body, context),
    ([left = never, right = never]) =>
      env =>
        ops.asBool(left(env)) && ops.asBool(right(env)),
    ([left = never, right = never]) => askAnd(left, right),
  );
}

function compileOr(body: unknown, context: Context): Compiled {
  return condition(
    context,
    sides(body, context),
    ([left = never, right = never]) =>
      env =>
        ops.asBool(left(env)) || ops.asBool(right(env)),
    ([left = never, right = never]) => askOr(left, right),
  );
}

function compileIf(body: unknown, context: Context): Compiled {
  const node = asNode(body);
  const parts = [context.compile(node['if']), context.compile(node['then']), context.compile(node['else'])];
  return condition(
    context,
    parts,
    ([test = never, yes = never, no = never]) =>
      env =>
        ops.asBool(test(env)) ? yes(env) : no(env),
    ([test = never, yes = never, no = never]) => askIf(test, yes, no),
  );
}

function compileAttribute(body: unknown, context: Context): Compiled {
  const node = asNode(body);
  const left = context.compile(node['left']);
  const name = asName(node['attr']);
  return made(
    context,
    [left],
    ([of = never]) =>
      env =>
        ops.attribute(of(env), name, env),
    lookupReads(left),
  );
}

function compileHas(body: unknown, context: Context): Compiled {
  const node = asNode(body);
  const left = context.compile(node['left']);
  const path = Array.isArray(node['attr']) ? node['attr'].map(asName) : [asName(node['attr'])];
  const run =
    (start: Run): Run =>
    env => {
      let of: Value | null = start(env);
      for (const name of path) {
        of = ops.attributeIfAny(of, name, env);
        if (of === null) return false;
      }
      return true;
    };
  return made(context, [left], ([start = never]) => run(start), path.length === 1 ? lookupReads(left) : READS.call);
}

function compileLike(body: unknown, context: Context): Compiled {
  const node = asNode(body);
  const matches = likeMatcher(asList(node['pattern']));
  if (matches === null) throw refuse(node['pattern']);
  return made(
    context,
    [context.compile(node['left'])],
    ([text = never]) =>
      env =>
        matches(ops.asString(text(env))),
  );
}

function compileIs(body: unknown, context: Context): Compiled {
  const node = asNode(body);
  const left = context.compile(node['left']);
  const type = asName(node['entity_type']);
  if (node['in'] === undefined)
    return made(
      context,
      [left],
      ([of = never]) =>
        env =>
          ops.asEntity(of(env)).type === type,
    );
  const run =
    ([of = never, above = never]: readonly Run[]): Run =>
    env => {
      const below = ops.asEntity(of(env));
      return below.type === type && ops.inOperator(below, above(env), env);
    };
  return made(context, [left, context.compile(node['in'])], run, lookupReads(left));
}

function compileCall(name: string, args: readonly Compiled[], context: Context): Compiled {
  const fn = EXTENSION_FUNCTIONS.get(name);
  if (fn === undefined) throw refuse(name);
  if (args.length !== fn.arity) throw refuse(`${name} with ${args.length} arguments`);
  if (fn.arity === 1)
    return made(
      context,
      args,
      ([a = never]) =>
        env =>
          fn.call(a(env)),
    );
  return made(
    context,
    args,
    ([a = never, b = never]) =>
      env =>
        fn.call(a(env), b(env)),
  );
}
