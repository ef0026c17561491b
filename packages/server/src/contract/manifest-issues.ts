/** What the schema of `contract.yaml` found, as findings: where, and what was meant. */
import { didYouMean, knownHint } from '@perdure/protocol';
import type { z } from 'zod';
import type { FindingCode, Report } from './finding.ts';
import type { IssueNote } from './manifest-words.ts';
import { keysAt } from './schema-keys.ts';

export interface IssueContext {
  readonly schema: z.ZodType;
  /** What was parsed. */
  readonly json: unknown;
  readonly file: string;
  readonly lineOf: (path: readonly PropertyKey[]) => number | null;
}

type Issue = z.core.$ZodIssue;

export function reportIssues(issues: readonly Issue[], context: IssueContext, report: Report): void {
  const { file, lineOf, schema } = context;
  for (const issue of issues) {
    const where = issue.path.map(String).join('.') || 'contract';
    const at = (code: FindingCode, path: readonly PropertyKey[], message: string, hint: string | null): void =>
      report({ level: 'error', code, message: `${where}: ${message}`, file, line: lineOf(path), hint });
    if (issue.code !== 'unrecognized_keys') {
      const { code, hint } = noteOf(issue);
      at(code, issue.path, issue.message, hint ?? hintOf(issue, valueAt(context.json, issue.path)));
      continue;
    }
    const known = keysAt(issue.path, schema);
    for (const key of issue.keys)
      at('manifest_invalid', [...issue.path, key], `there is no key ${key}`, knownHint(key, known));
  }
}

function noteOf(issue: Issue): IssueNote {
  const params: Partial<IssueNote> = issue.code === 'custom' ? (issue.params ?? {}) : {};
  return { code: 'manifest_invalid', ...params };
}

function hintOf(issue: Issue, found: unknown): string | null {
  if (issue.code === 'invalid_type' && issue.expected === 'number' && typeof found === 'string')
    return 'a number, without quotes, signs or commas';
  if (issue.code !== 'invalid_value' || typeof found !== 'string') return null;
  const near = didYouMean(found, issue.values.map(String));
  return near === null ? null : `did you mean ${near}?`;
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  let found = json;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as { readonly [key: PropertyKey]: unknown })[part];
  }
  return found;
}
