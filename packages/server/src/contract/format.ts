/**
 * The layout of a contract folder: Cedar's own formatter for the clauses, one order of keys and one style for `contract.yaml`.
 *
 * F1. The meaning stays: what is parsed from the new text is what was parsed from the old.
 * F2. Every comment stays, in its order; `contract.yaml` may give comments another order, with their keys.
 * F3. A text that was formatted stays as it is.
 * What would break one of them is not formatted, and why is told.
 */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { CEDAR_HERE } from './cedar-here.ts';
import { parseCedarFile } from './cedar-source.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { formatManifest, manifestComments, manifestValue } from './format-manifest.ts';
import type { ContractFiles } from './rule.ts';

/** Characters of a line, as far as it can be broken. */
export const LINE_WIDTH = 120;
const INDENT = 2;

export type Formatted = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Every file of a contract, formatted. The files must parse: `checkContract` tells if they do not. */
export function formatContract(files: ContractFiles): Readonly<Record<string, Formatted>> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, formatFile(path, text)] as const));
}

function formatFile(path: string, text: string): Formatted {
  if (path.endsWith('.cedar')) return formatCedar(text);
  if (path !== MANIFEST_FILE) return { ok: true, text };
  return settled(text, formatManifest, (before, after) => {
    if (manifestValue(before) === null) return 'it cannot be read';
    if (manifestValue(before) !== manifestValue(after)) return 'its meaning would change';
    return sameComments(manifestComments(before).toSorted(), manifestComments(after).toSorted());
  });
}

export function formatCedar(text: string): Formatted {
  return settled(text, layOut, (before, after) => {
    const [old, now] = [policiesOf(before), policiesOf(after)];
    if (old === null) return 'it cannot be read';
    if (old !== now) return 'its meaning would change';
    return sameComments(cedarComments(before), cedarComments(after));
  });
}

/** Rounds after which a layout must stay as it is. */
const MAX_ROUNDS = 4;

function settled(
  text: string,
  format: (text: string) => string | null,
  wrong: (before: string, after: string) => string | null,
): Formatted {
  let now = text;
  for (let round = 0; round <= MAX_ROUNDS; round++) {
    const next = format(now);
    if (next === null) return { ok: false, why: 'it cannot be read' };
    const why = wrong(text, next);
    if (why !== null) return { ok: false, why };
    if (next === now) return { ok: true, text: now };
    now = next;
  }
  return { ok: false, why: 'its layout does not settle' };
}

function sameComments(before: readonly string[], after: readonly string[]): string | null {
  return JSON.stringify(before) === JSON.stringify(after) ? null : 'a comment would be lost';
}

function layOut(text: string): string | null {
  const answer = cedar.formatPolicies({ policyText: text, lineWidth: LINE_WIDTH, indentWidth: INDENT });
  if (answer.type === 'failure') return null;
  const laid = answer.formatted_policy
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
    .trim();
  return laid === '' ? '' : `${withHeading(text, laid)}\n`;
}

/** Cedar joins the comment that opens a file to the first policy: one that stood alone stays so. */
function withHeading(before: string, after: string): string {
  const heading = /^\s*((?:\/\/[^\n]*\n)+)[ \t]*\r?\n/.exec(before);
  if (heading === null) return after;
  const count = (heading[1] ?? '').trimEnd().split('\n').length;
  const lines = after.split('\n');
  if (lines.length <= count || lines[count] === '' || !lines.slice(0, count).every(line => line.startsWith('//')))
    return after;
  return [...lines.slice(0, count), '', ...lines.slice(count)].join('\n');
}

/** What a file says, without where it says it; null if it cannot be read. */
function policiesOf(text: string): string | null {
  let broken = false;
  const policies = parseCedarFile(CEDAR_HERE, '', text, ({ code }) => {
    broken ||= code !== 'id_missing';
  });
  return broken ? null : JSON.stringify(policies.map(({ est }) => est));
}

/** Every comment, without the space at its end. */
export function cedarComments(text: string): readonly string[] {
  const tokens = text.matchAll(/\/\/[^\n]*|"(?:[^"\\]|\\.)*"/gs);
  return [...tokens].flatMap(([token]) => (token.startsWith('//') ? [token.trimEnd()] : []));
}
