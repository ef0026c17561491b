/** Tools that an operator writes as a module: typed by their schema, run in the server. */
import * as z from 'zod';
import type { ToolContent } from '../../engine/tools/ports.ts';
import type { Json, JsonObject } from '../../log/events.ts';

const BRAND: unique symbol = Symbol.for('perdure.module-tool');

export interface ToolContext {
  /** The same for every run of this call, and for no other: what makes a second run harmless. */
  readonly key: string;
  /** Aborts when the turn is cancelled or the tool's time is up. */
  readonly signal: AbortSignal;
  readonly tenant: string;
  readonly session: string;
  /** Who drives the session: the id of a key, or of a user. */
  readonly principal: string;
  /** Shows output as it comes. */
  readonly show: (text: string) => void;
}

/** A text, contents as models take them, or anything that JSON can hold. */
export type ToolResult = string | readonly ToolContent[] | Json | undefined;

export interface ToolSpec<Schema extends z.ZodObject> {
  /** As the model calls it: 1 to 64 letters, digits, `_` and `-`. */
  readonly name: string;
  readonly description: string;
  /** Of the arguments. What does not fit never reaches `run`. */
  readonly input: Schema;
  /** Whether to run it twice under one `key` is the same as once. Default: false, and a run that was cut short is never repeated. */
  readonly idempotent?: boolean;
  /** Offered only once the model has searched for it. Default: false. */
  readonly deferred?: boolean;
  /** Whose sessions are offered it. Default: those of every tenant. */
  readonly tenants?: readonly string[];
  /** ms; default 120,000, at most 3,600,000. */
  readonly timeoutMs?: number;
  /** Throw a `ToolError` to tell the model what is wrong; of any other error it is told only that the tool failed. */
  run(input: z.output<Schema>, context: ToolContext): ToolResult | Promise<ToolResult>;
}

export interface ModuleTool {
  readonly [BRAND]: true;
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonObject;
  readonly idempotent: boolean;
  readonly deferred: boolean;
  readonly tenants: readonly string[] | null;
  readonly timeoutMs: number;
  readonly call: (
    given: JsonObject,
    context: ToolContext,
  ) => Promise<{ readonly wrong: string } | { readonly result: ToolResult }>;
}

export const TOOL_BOUNDS: {
  readonly descriptionChars: number;
  readonly schemaBytes: number;
  readonly timeoutMs: number;
  readonly defaultTimeoutMs: number;
} = { descriptionChars: 8_192, schemaBytes: 64 * 1024, timeoutMs: 3_600_000, defaultTimeoutMs: 120_000 };
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** What the model is to know of a failure. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  /** For programs: lower-case words with `_`. */
  readonly code: string;

  constructor(message: string, { code = 'tool_error' }: { readonly code?: string } = {}) {
    super(message);
    this.code = code;
  }
}

/** @throws TypeError if the tool cannot be offered as it is */
export function defineTool<Schema extends z.ZodObject>(spec: ToolSpec<Schema>): ModuleTool {
  const { name, description, input, tenants, timeoutMs = TOOL_BOUNDS.defaultTimeoutMs } = spec;
  const wrong = (what: string): TypeError => new TypeError(`The tool '${name}' ${what}`);
  if (!NAME.test(name)) throw wrong('needs a name of 1 to 64 letters, digits, "_" and "-".');
  if (description.length === 0 || description.length > TOOL_BOUNDS.descriptionChars)
    throw wrong(`needs a description of 1 to ${TOOL_BOUNDS.descriptionChars} characters.`);
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > TOOL_BOUNDS.timeoutMs)
    throw wrong(`needs a timeoutMs from 1 to ${TOOL_BOUNDS.timeoutMs}.`);
  const parameters = schemaOf(input, wrong);
  return {
    [BRAND]: true,
    name,
    description,
    parameters,
    idempotent: spec.idempotent ?? false,
    deferred: spec.deferred ?? false,
    tenants: tenants ?? null,
    timeoutMs,
    async call(given, context) {
      const parsed = await input.safeParseAsync(given);
      if (!parsed.success) return { wrong: z.prettifyError(parsed.error) };
      return { result: await spec.run(parsed.data, context) };
    },
  };
}

function schemaOf(input: z.ZodObject, wrong: (what: string) => TypeError): JsonObject {
  let schema: JsonObject;
  try {
    schema = z.toJSONSchema(input, { io: 'input', target: 'draft-2020-12' }) as unknown as JsonObject;
  } catch (cause) {
    throw wrong(`has an input that no JSON Schema can say: ${cause instanceof Error ? cause.message : ''}`);
  }
  const { $schema: _, ...parameters } = schema;
  if (parameters['type'] !== 'object') throw wrong('needs an input that is an object.');
  if (Buffer.byteLength(JSON.stringify(parameters)) > TOOL_BOUNDS.schemaBytes)
    throw wrong(`has an input whose JSON Schema has more than ${TOOL_BOUNDS.schemaBytes} bytes.`);
  return parameters;
}

export function isModuleTool(value: unknown): value is ModuleTool {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Of this copy of the package or of another. */
export function isToolError(value: unknown): value is ToolError {
  return value instanceof Error && value.name === 'ToolError' && 'code' in value && typeof value.code === 'string';
}
