/**
 * Cedar expressions as closures, compiled from Cedar's JSON form.
 *
 * Semantics are exactly Cedar's, short circuit and type errors included: `policy.property.test.ts` holds the closures to
 * cedar-wasm. What is not known here is refused when a contract is loaded, never met at run time.
 */
import { valueFromJson } from './cedar-json.ts';
import { EXTENSION_FUNCTIONS } from './extension.ts';
import { likeMatcher } from './like.ts';
import * as ops from './operators.ts';
import { type Env, EvaluationError, recordValue, setValue, type Value } from './value.ts';

export type Run = (env: Env) => Value;

/** What an expression's result can depend on: nothing, the call, or the place too. A larger number includes the smaller ones. */
export const READS = { nothing: 0, call: 1, place: 2 } as const;
export type Reads = (typeof READS)[keyof typeof READS];

export interface Compiled {
  readonly run: Run;
  readonly reads: Reads;
}

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

function most(parts: readonly Compiled[], least: Reads = READS.nothing): Reads {
  let reads = least;
  for (const part of parts) if (part.reads > reads) reads = part.reads;
  return reads;
}

const EMPTY = { kind: 'entity', type: '', id: '', key: '', data: null } as const;
const NOWHERE: Env = {
  principal: EMPTY,
  action: EMPTY,
  resource: EMPTY,
  context: recordValue([]),
  entities: new Map(),
};

/** Evaluates what depends on nothing once, now. What fails is left to fail where Cedar would: its branch may never run. */
function fold(compiled: Compiled): Compiled {
  if (compiled.reads !== READS.nothing) return compiled;
  try {
    const value = compiled.run(NOWHERE);
    return { run: () => value, reads: READS.nothing };
  } catch (error) {
    if (error instanceof EvaluationError) return compiled;
    throw error;
  }
}

const VARIABLES: ReadonlyMap<string, Compiled> = new Map<string, Compiled>([
  ['principal', { run: env => env.principal, reads: READS.call }],
  ['action', { run: env => env.action, reads: READS.call }],
  ['resource', { run: env => env.resource, reads: READS.place }],
  ['context', { run: env => env.context, reads: READS.call }],
]);

/** Nodes with a shape of their own. */
const SHAPES: ReadonlyMap<string, (body: unknown, compile: Compile) => Compiled> = new Map<
  string,
  (body: unknown, compile: Compile) => Compiled
>([
  ['Value', compileValue],
  ['Var', compileVariable],
  ['Set', compileSet],
  ['Record', compileRecord],
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
export function compileExpression(est: unknown, depth = 0): Compiled {
  if (depth > MAX_EXPRESSION_DEPTH) {
    throw new UnsupportedPolicy('expression_too_deep', `an expression nests more than ${MAX_EXPRESSION_DEPTH} deep`);
  }
  const [entry, ...more] = Object.entries(asNode(est));
  if (entry === undefined || more.length > 0) throw refuse(est);
  const [op, body] = entry;
  const compile: Compile = inner => compileExpression(inner, depth + 1);
  const shape = SHAPES.get(op);
  if (shape !== undefined) return fold(shape(body, compile));
  const binary = ops.BINARY.get(op) ?? ops.BINARY_ON_ENTITIES.get(op);
  if (binary !== undefined) {
    const [left, right] = sides(body, compile);
    const least = ops.BINARY_ON_ENTITIES.has(op) ? READS.call : READS.nothing;
    return fold({ run: env => binary(left.run(env), right.run(env), env), reads: most([left, right], least) });
  }
  const unary = ops.UNARY.get(op);
  if (unary !== undefined) {
    const arg = compile(asNode(body)['arg']);
    return fold({ run: env => unary(arg.run(env)), reads: arg.reads });
  }
  return fold(compileCall(op, asList(body).map(compile)));
}

function sides(body: unknown, compile: Compile): [Compiled, Compiled] {
  const node = asNode(body);
  return [compile(node['left']), compile(node['right'])];
}

function compileValue(body: unknown): Compiled {
  // Cedar's JSON carries 64-bit integers as JSON numbers: beyond 2^53 the digits are gone before they reach us.
  if (typeof body === 'number' && !Number.isSafeInteger(body)) {
    throw new UnsupportedPolicy('integer_too_large', `an integer beyond 2^53 - 1 cannot be read exactly: ${body}`);
  }
  try {
    const value = valueFromJson(body);
    return { run: () => value, reads: READS.nothing };
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

function compileSet(body: unknown, compile: Compile): Compiled {
  const items = asList(body).map(compile);
  return { run: env => setValue(items.map(item => item.run(env))), reads: most(items) };
}

function compileRecord(body: unknown, compile: Compile): Compiled {
  const fields = Object.entries(asNode(body)).map(([name, est]) => ({ name, value: compile(est) }));
  return {
    run: env => recordValue(fields.map(field => [field.name, field.value.run(env)] as const)),
    reads: most(fields.map(field => field.value)),
  };
}

function compileAnd(body: unknown, compile: Compile): Compiled {
  const [left, right] = sides(body, compile);
  return { run: env => ops.asBool(left.run(env)) && ops.asBool(right.run(env)), reads: most([left, right]) };
}

function compileOr(body: unknown, compile: Compile): Compiled {
  const [left, right] = sides(body, compile);
  return { run: env => ops.asBool(left.run(env)) || ops.asBool(right.run(env)), reads: most([left, right]) };
}

function compileIf(body: unknown, compile: Compile): Compiled {
  const node = asNode(body);
  const test = compile(node['if']);
  const yes = compile(node['then']);
  const no = compile(node['else']);
  return { run: env => (ops.asBool(test.run(env)) ? yes.run(env) : no.run(env)), reads: most([test, yes, no]) };
}

function compileAttribute(body: unknown, compile: Compile): Compiled {
  const node = asNode(body);
  const left = compile(node['left']);
  const name = asName(node['attr']);
  return { run: env => ops.attribute(left.run(env), name, env), reads: most([left], READS.call) };
}

function compileHas(body: unknown, compile: Compile): Compiled {
  const node = asNode(body);
  const left = compile(node['left']);
  const path = Array.isArray(node['attr']) ? node['attr'].map(asName) : [asName(node['attr'])];
  const run: Run = env => {
    let of: Value | null = left.run(env);
    for (const name of path) {
      of = ops.attributeIfAny(of, name, env);
      if (of === null) return false;
    }
    return true;
  };
  return { run, reads: most([left], READS.call) };
}

function compileLike(body: unknown, compile: Compile): Compiled {
  const node = asNode(body);
  const left = compile(node['left']);
  const matches = likeMatcher(asList(node['pattern']));
  if (matches === null) throw refuse(node['pattern']);
  return { run: env => matches(ops.asString(left.run(env))), reads: left.reads };
}

function compileIs(body: unknown, compile: Compile): Compiled {
  const node = asNode(body);
  const left = compile(node['left']);
  const type = asName(node['entity_type']);
  if (node['in'] === undefined) return { run: env => ops.asEntity(left.run(env)).type === type, reads: left.reads };
  const above = compile(node['in']);
  const run: Run = env => {
    const below = ops.asEntity(left.run(env));
    return below.type === type && ops.inOperator(below, above.run(env), env);
  };
  return { run, reads: most([left, above], READS.call) };
}

function compileCall(name: string, args: readonly Compiled[]): Compiled {
  const fn = EXTENSION_FUNCTIONS.get(name);
  if (fn === undefined) throw refuse(name);
  const [a, b] = args;
  if (args.length !== fn.arity || a === undefined) throw refuse(`${name} with ${args.length} arguments`);
  if (fn.arity === 1) return { run: env => fn.call(a.run(env)), reads: a.reads };
  if (b === undefined) throw refuse(`${name} with 1 argument`);
  return { run: env => fn.call(a.run(env), b.run(env)), reads: most([a, b]) };
}
