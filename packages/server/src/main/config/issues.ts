/** What the schema found, in words. No message shows a value that could be a secret (L9). */
import { didYouMean, knownHint } from '@perdure/protocol';
import type * as z from 'zod';
import { keysAt } from '../../contract/schema-keys.ts';
import type { Path, Problem } from './problem.ts';
import { fileSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;
export interface IssueContext {
  readonly value: unknown;
  readonly interpolated: (path: Path) => boolean;
}

const SECRETS: ReadonlySet<PropertyKey> = new Set(['api_key', 'secret', 'hash', 'base_url']);

/** @param schema whose issues they are */
export function problemsOf(issues: readonly Issue[], context: IssueContext, schema: z.ZodType = fileSchema): Problem[] {
  return issues.flatMap(issue => {
    const path = pathOf(issue);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => ({
        level: 'error' as const,
        path: [...path, key],
        message: unknownKey(key, keysAt(path, schema)),
      }));
    }
    return [{ level: 'error' as const, path, message: words(issue, path, context) }];
  });
}

export function pathOf(issue: Issue): Path {
  return issue.path.map(part => (typeof part === 'symbol' ? String(part) : part));
}

function unknownKey(key: string, known: readonly string[]): string {
  return `is not known here (${knownHint(key, known)})`;
}

function words(issue: Issue, path: Path, context: IssueContext): string {
  const found = at(context.value, path);
  switch (issue.code) {
    case 'invalid_type':
      if (found === undefined || found === null) return 'is required';
      return `must be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(found)}`;
    case 'too_small':
      return `must ${measure(issue.origin, 'at least', Number(issue.minimum))}`;
    case 'too_big':
      return `must ${measure(issue.origin, 'at most', Number(issue.maximum))}`;
    case 'invalid_value':
      return choice(issue.values.map(String), found, SECRETS.has(path.at(-1) ?? '') || context.interpolated(path));
    default:
      return issue.message;
  }
}

function choice(values: readonly string[], found: unknown, secret: boolean): string {
  if (found === undefined || found === null) return `is required: ${values.join(' or ')}`;
  const near = secret || typeof found !== 'string' ? null : didYouMean(found, values);
  const offer = values.length === 1 ? values.join('') : `one of ${values.join(', ')}`;
  return near === null ? `must be ${offer}` : `must be ${offer} (did you mean ${near}?)`;
}

const KINDS: { readonly [expected: string]: string } = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
};

function measure(origin: string, side: string, bound: number): string {
  if (origin === 'string')
    return bound === 1 && side === 'at least' ? 'not be empty' : `have ${side} ${bound} characters`;
  if (origin === 'array') return `have ${side} ${bound} ${bound === 1 ? 'entry' : 'entries'}`;
  return `be ${side} ${bound}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a fraction';
  return String(typeof value === 'boolean' ? value : typeof value);
}

export function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as { readonly [name: string]: unknown })[part];
  }
  return found;
}
