/**
 * From an unknown value to a typed one, or to one clear error. Zod finds what is wrong; the words are ours: they name the
 * parameter as OpenAI does (`input[0].content`), speak of the first fault only, and never repeat what the client sent,
 * except a short word.
 */
import type { core } from 'zod';
import * as z from 'zod';
import { isErrorCode, type ErrorCode } from './errors.ts';
import { isJsonObject, jsonExcess, type JsonExcess, type JsonObject, jsonTextExcess } from './json.ts';
import { LIMITS } from './limits.ts';
import { perdureError, type PerdureError } from './perdure-error.ts';

export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: PerdureError };

/** Keys that errors repeat. */
const PLAIN_KEY = /^[\w-]{1,64}$/;

export type Path = readonly PropertyKey[];

/**
 * One fault is told, so none is looked for beyond it. `abortEarly` is zod's own, not in its public types: without it a body
 * full of faults holds the thread for a second (measured: 1.3 s against 0.06 s); if it goes, only that is lost.
 */
const FIRST_ONLY: { readonly reportInput: false; readonly abortEarly: true } = { reportInput: false, abortEarly: true };

/** Parses a request body with a schema of this package. Never throws, whatever the value. */
export function parseBody<Value>(schema: z.ZodType<Value>, body: unknown): Parsed<Value> {
  if (!isJsonObject(body)) return failure('invalid_request', 'The request body must be a JSON object.', null);
  const excess = jsonExcess(body, LIMITS.jsonDepth, LIMITS.jsonNodes);
  if (excess !== null) return { ok: false, error: excessError(excess) };
  const parsed = schema.safeParse(body, FIRST_ONLY);
  return parsed.success
    ? { ok: true, value: parsed.data }
    : { ok: false, error: errorOfIssues(parsed.error.issues, body) };
}

/**
 * The value of a text of JSON that somebody else wrote. A long one that is too deep or holds too much is refused before it is parsed.
 * @param what whose text it is, as the error names it
 * @throws PerdureError invalid_json, invalid_request
 */
export function parseJsonText(text: string, what = 'request body'): unknown {
  const excess = jsonTextExcess(text, LIMITS.jsonDepth, LIMITS.jsonNodes);
  if (excess !== null) throw excessError(excess, what);
  try {
    return JSON.parse(text);
  } catch {
    throw perdureError('invalid_json', `The ${what} is not valid JSON.`);
  }
}

function excessError(excess: JsonExcess, what = 'request body'): PerdureError {
  const beyond = {
    depth: `nests deeper than ${LIMITS.jsonDepth} levels`,
    nodes: `holds more than ${LIMITS.jsonNodes} values`,
  };
  return perdureError('invalid_request', `The ${what} ${beyond[excess]}.`, { param: null });
}

/** The same for values that are not bodies: queries, which hold texts only. */
export function parseQuery<Value>(schema: z.ZodType<Value>, query: { readonly [key: string]: unknown }): Parsed<Value> {
  const parsed = schema.safeParse(query, FIRST_ONLY);
  return parsed.success
    ? { ok: true, value: parsed.data }
    : { ok: false, error: errorOfIssues(parsed.error.issues, query) };
}

function failure(code: ErrorCode, message: string, param: string | null): { ok: false; error: PerdureError } {
  return { ok: false, error: perdureError(code, message, { param }) };
}

function errorOfIssues(issues: readonly core.$ZodIssue[], root: unknown): PerdureError {
  const [issue] = issues;
  if (issue === undefined) return perdureError('invalid_request');
  const fault = describe(issue, [], root);
  return perdureError(fault.code, fault.message, { param: paramOf(fault.path) });
}

type Fault = { readonly code: ErrorCode; readonly message: string; readonly path: Path };

function describe(issue: core.$ZodIssue, above: Path, root: unknown): Fault {
  const path = [...above, ...issue.path];
  const name = paramOf(path) ?? 'the request body';
  const invalid = (message: string): Fault => ({ code: 'invalid_request', message, path });
  const value = valueAt(root, path);
  switch (issue.code) {
    case 'invalid_type':
      return invalid(typeMessage(name, value, article(issue.expected)));
    case 'invalid_value':
      return invalid(
        value === undefined
          ? missing(name)
          : `Invalid value for '${name}': supported values are ${list(issue.values)}.`,
      );
    case 'too_big':
      return invalid(`'${name}' is too large: ${sizeRule(issue.origin, 'at most', issue.maximum)}.`);
    case 'too_small':
      return invalid(`'${name}' is too small: ${sizeRule(issue.origin, 'at least', issue.minimum)}.`);
    case 'invalid_format':
      return invalid(formMessage(name, issue));
    case 'invalid_union':
      return unionFault(issue, path, root);
    case 'unrecognized_keys': {
      const [stray = ''] = issue.keys;
      return { code: 'unsupported_parameter', message: strayMessage([...path, stray]), path: [...path, stray] };
    }
    case 'custom': {
      const code: unknown = issue.params?.['code'];
      if (isText(code) && isErrorCode(code)) return { code, message: issue.message, path };
      // Words of the schema follow the name.
      if (issue.message !== 'Invalid input') return invalid(`Invalid value for '${name}': it ${issue.message}.`);
      // Without a code and words it is a check of our own on the type: that of free objects.
      return invalid(typeMessage(name, value, 'an object'));
    }
    default:
      return invalid(`Invalid value for '${name}'.`);
  }
}

function unionFault(issue: core.$ZodIssueInvalidUnion, path: Path, root: unknown): Fault {
  const name = paramOf(path) ?? 'the request body';
  const value = valueAt(root, path);
  const branches = issue.errors.filter(branch => branch.length > 0);
  if (branches.length === 0) {
    const known = `supported values are ${list(('options' in issue ? (issue.options ?? []) : []).filter(isText))}.`;
    if (value === undefined || value === null) return { code: 'invalid_request', message: missing(name), path };
    // A kind that this server does not know is a thing it does not offer, not a mistake of form.
    const isKind = 'discriminator' in issue && issue.discriminator === 'type' && isText(value);
    const code = CONTENT.has(path[0]) ? 'unsupported_content' : 'unsupported_parameter';
    return isKind
      ? { code, message: `'${name}'${word(value)} is not supported here: ${known}`, path }
      : { code: 'invalid_request', message: `Invalid value for '${name}'${word(value)}: ${known}`, path };
  }
  // The branch that the client meant is one that got past the outer type; where none did, name them all.
  const meant = branches.find(branch => !branch.some(own => own.path.length === 0 && isOuter(own, value)));
  const [first] = meant ?? [];
  if (first !== undefined) return describe(first, path, root);
  const expected = branches.flatMap(([own]) => {
    if (own?.code === 'invalid_type') return [article(own.expected)];
    return own?.code === 'invalid_value' ? [`one of ${list(own.values)}`] : [];
  });
  return { code: 'invalid_request', message: typeMessage(name, value, [...new Set(expected)].join(' or ')), path };
}

/** Fields whose kinds are content. */
const CONTENT: ReadonlySet<unknown> = new Set(['input', 'messages', 'items', 'prompt']);

const isText = (value: unknown): value is string => typeof value === 'string';

/** A fault of the whole value's type, or of a text that should be one of several while the value is no text at all. */
const isOuter = (issue: core.$ZodIssue, value: unknown): boolean =>
  issue.code === 'invalid_type' || (issue.code === 'invalid_value' && !isText(value));

const missing = (name: string): string => `Missing required parameter: '${name}'.`;

function typeMessage(name: string, value: unknown, expected: string): string {
  if (value === undefined) return missing(name);
  // JSON has numbers that no number here can hold: `1e400` is read as infinite.
  if (typeof value === 'number' && !Number.isFinite(value))
    return `Invalid value for '${name}': the number is too ${value > 0 ? 'large' : 'small'}.`;
  return `Invalid type for '${name}': expected ${expected}, but got ${article(kindOf(value))} instead.`;
}

/** Of a field that an object of a closed form does not have. `hint`: what may have been meant. */
export function strayMessage(path: Path, hint: string | null = null): string {
  const last = path.at(-1);
  const name = isText(last) && PLAIN_KEY.test(last) ? paramOf(path) : null;
  const told = name === null ? 'There is no such field here' : `There is no '${name}' here`;
  return hint === null ? `${told}.` : `${told} (${hint}).`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function article(kind: string): string {
  if (kind === 'null') return kind;
  if (kind === 'int') return 'an integer';
  if (kind === 'record') return 'an object';
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

function sizeRule(origin: string, bound: string, size: number | bigint): string {
  if (origin === 'string') return `${bound} ${size} characters`;
  if (origin === 'array' || origin === 'set') return `${bound} ${size} entries`;
  return `${bound} ${size}`;
}

function formMessage(name: string, issue: core.$ZodIssueInvalidStringFormat): string {
  const pattern = issue.format === 'regex' && issue.pattern !== undefined ? `must match ${issue.pattern}` : null;
  // Words of the schema say it to people; what zod says where it has none gives the pattern, too.
  const own = pattern !== null && !issue.message.startsWith('Invalid string') ? issue.message : null;
  return `Invalid value for '${name}': it ${own ?? pattern ?? 'has another form'}.`;
}

const list = (values: readonly unknown[]): string => values.map(value => `'${String(value)}'`).join(', ');

/** Repeats what the client sent only if it is a plain word: a mistyped name helps, content must not come back. */
function word(value: unknown): string {
  return isText(value) && /^[\w.-]{1,64}$/.test(value) ? ` = '${value}'` : '';
}

/** `['input', 0, 'content']` as `input[0].content`; a key that is not a plain name ends it. */
export function paramOf(path: Path): string | null {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (isText(part) && PLAIN_KEY.test(part)) text += text === '' ? part : `.${part}`;
    else break;
  }
  return text === '' ? null : text;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as { readonly [key: PropertyKey]: unknown })[part];
  }
  return value;
}

/** A fault that a schema finds by itself. `path` is relative to the value at hand. */
export function fault(
  ctx: core.$RefinementCtx,
  code: ErrorCode,
  message: string,
  path: readonly (string | number)[] = [],
): typeof z.NEVER {
  ctx.addIssue({ code: 'custom', message, path: [...path], params: { code } });
  return z.NEVER;
}

/** A field that this server does not have, and that must not be ignored: its absence would change the answer. */
export function refused(why: string): z.ZodType<undefined> {
  return z
    .unknown()
    .transform((value, ctx): undefined =>
      value === null || value === undefined ? undefined : fault(ctx, 'unsupported_parameter', why),
    )
    .optional()
    .meta({ description: `Refused: ${why}` });
}

/** A list of at most `max` members. Zod looks at the length first, so that a flood of members costs nothing (tested). */
export function boundedList<Item>(item: z.ZodType<Item>, max: number): z.ZodType<Item[]> {
  return z.array(item).max(max);
}

/** An object of free form. Kept as it came: a copy would lose keys such as `__proto__`. */
export const freeObject: z.ZodType<JsonObject> = z
  .custom<JsonObject>(isJsonObject)
  .meta({ type: 'object', additionalProperties: true });

/** At most 16 pairs; keys of at most 64 and values of at most 512 characters. */
export const metadata: z.ZodType<{ readonly [key: string]: string }> = z
  .custom<{ readonly [key: string]: string }>(isJsonObject)
  .superRefine((pairs, ctx) => {
    const entries = Object.entries(pairs);
    if (entries.length > LIMITS.metadataPairs) {
      fault(ctx, 'invalid_request', `'metadata' has too many pairs: at most ${LIMITS.metadataPairs}.`);
    } else if (entries.some(([key]) => key.length > LIMITS.metadataKeyChars)) {
      fault(ctx, 'invalid_request', `A key of 'metadata' is too long: at most ${LIMITS.metadataKeyChars} characters.`);
    } else {
      for (const [key, value] of entries) {
        if (typeof value === 'string' && value.length <= LIMITS.metadataValueChars) continue;
        const rule = `must be a text of at most ${LIMITS.metadataValueChars} characters`;
        fault(ctx, 'invalid_request', `A value of 'metadata' ${rule}.`, [key]);
        break;
      }
    }
  })
  .meta({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: LIMITS.metadataValueChars },
    maxProperties: LIMITS.metadataPairs,
  });

/** The fields that hold something: a null on the wire means the same as nothing. */
export function present<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  const kept: { [Key in keyof Fields]?: NonNullable<Fields[Key]> } = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined && value !== null) kept[key] = value;
  }
  return kept;
}
