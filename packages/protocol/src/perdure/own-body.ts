/**
 * Bodies of our own API, whose forms are closed: a field that is not there is refused, as a slip of the pen in one that restricts would let through
 * what was to be restricted. OpenAI's routes ignore what they do not know, as clients send more than a server has.
 */
import * as z from 'zod';
import { knownHint } from '../did-you-mean.ts';
import { isJsonObject } from '../json.ts';
import { type Parsed, paramOf, parseBody, type Path, strayMessage } from '../parse.ts';
import { perdureError, type PerdureError } from '../perdure-error.ts';

/**
 * As `parseBody`, of a schema whose objects are strict. What is not there is told before what is missing: it is often the same field, spelled
 * otherwise. Never throws.
 */
export function parseOwnBody<Value>(schema: z.ZodType<Value>, body: unknown): Parsed<Value> {
  const error = strayIn(schema, body);
  return error === null ? parseBody(schema, body) : { ok: false, error };
}

/** What is refused of a body whose values somebody else looks at; null if it has no field that is not there. */
export function strayIn(schema: z.ZodType, body: unknown): PerdureError | null {
  return strayField(schema, body, []);
}

/** The first field that a strict object within a value does not have: unsupported_parameter. Goes as deep as the schema, not as the value. */
function strayField(schema: z.core.$ZodType, value: unknown, path: Path): PerdureError | null {
  if (schema instanceof z.ZodPipe) return strayField(schema.in, value, path);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodExactOptional)
    return strayField(schema.unwrap(), value, path);
  if (schema instanceof z.ZodArray) return firstIn(Array.isArray(value) ? value : [], schema.element, path);
  if (!(schema instanceof z.ZodObject) || !isJsonObject(value)) return null;
  const shape: { readonly [name: string]: z.core.$ZodType } = schema.shape;
  const known = Object.keys(shape);
  for (const [name, field] of Object.entries(value)) {
    const own = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (own === undefined && schema.def.catchall instanceof z.ZodNever) return refusal([...path, name], known);
    const deeper = own === undefined ? null : strayField(own, field, [...path, name]);
    if (deeper !== null) return deeper;
  }
  return null;
}

function firstIn(values: readonly unknown[], schema: z.core.$ZodType, path: Path): PerdureError | null {
  for (const [index, value] of values.entries()) {
    const found = strayField(schema, value, [...path, index]);
    if (found !== null) return found;
  }
  return null;
}

function refusal(path: Path, known: readonly string[]): PerdureError {
  const hint = knownHint(String(path.at(-1)).slice(0, 64), known);
  return perdureError('unsupported_parameter', strayMessage(path, hint), { param: paramOf(path) });
}
