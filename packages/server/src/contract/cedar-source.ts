/** A `.cedar` file taken apart: each policy with its text, its line, its annotations and its JSON form. */
import type { DetailedError, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Cedar } from './cedar.ts';
import type { Report } from './finding.ts';

export interface PolicySource {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly id: string;
  /** The clause's citation, empty if it has none. */
  readonly cite: string;
  /** What is unclear, for a clause that the sources leave open; null for a clear one. */
  readonly ambiguous: string | null;
  /** Cedar's JSON form. */
  readonly est: PolicyJson;
  readonly isTemplate: boolean;
}

/** Reads the policies of a file, reporting what cannot be read. */
export function parseCedarFile(cedar: Cedar, file: string, source: string, report: Report): PolicySource[] {
  const parts = cedar.policySetTextToParts(source);
  if (parts.type === 'failure') {
    reportCedarErrors(file, source, parts.errors, 0, report);
    return [];
  }
  const policies: PolicySource[] = [];
  for (const { text, offset } of statements(source)) {
    const asStatic = cedar.policyToJson(text);
    const answer = asStatic.type === 'success' ? asStatic : cedar.templateToJson(text);
    if (answer.type === 'failure') {
      reportCedarErrors(file, source, asStatic.type === 'failure' ? asStatic.errors : answer.errors, offset, report);
      continue;
    }
    const line = lineAt(source, offset);
    const annotations = answer.json.annotations ?? {};
    const id = annotations['id'];
    if (!id) {
      report({
        level: 'error',
        code: 'id_missing',
        message: 'a policy has no @id',
        file,
        line,
        hint: 'start it with @id("...")',
      });
      continue;
    }
    const ambiguous = 'ambiguous' in annotations ? (annotations['ambiguous'] ?? '') : null;
    policies.push({
      file,
      line,
      text,
      id,
      cite: annotations['cite'] ?? '',
      ambiguous,
      est: answer.json,
      isTemplate: asStatic.type === 'failure',
    });
  }
  return policies;
}

/** Where each policy of a file begins (in UTF-16 units), and its text up to the semicolon. Semicolons end policies only outside strings and comments. */
function statements(source: string): { text: string; offset: number }[] {
  const found: { text: string; offset: number }[] = [];
  // A comment, a string, a semicolon, or anything else that is no space.
  const token = /\/\/[^\n]*|"(?:[^"\\]|\\.)*"|;|[^\s]/gs;
  let start = -1;
  for (const match of source.matchAll(token)) {
    if (match[0].startsWith('//')) continue;
    if (start < 0) start = match.index;
    if (match[0] !== ';') continue;
    found.push({ text: source.slice(start, match.index + 1), offset: start });
    start = -1;
  }
  return found;
}

export function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let i = source.indexOf('\n'); i >= 0 && i < offset; i = source.indexOf('\n', i + 1)) line += 1;
  return line;
}

/** Cedar counts bytes of UTF-8. */
function fromByteOffset(source: string, bytes: number): number {
  return new TextDecoder().decode(new TextEncoder().encode(source).slice(0, bytes)).length;
}

/**
 * Reports what Cedar found. Its positions count from the start of the text that it was given.
 * @param offset where that text begins in `source`
 */
export function reportCedarErrors(
  file: string,
  source: string,
  errors: readonly DetailedError[],
  offset: number,
  report: Report,
  code: 'cedar_syntax' | 'cedar_invalid' | 'cedar_warning' = 'cedar_syntax',
): void {
  for (const error of errors) {
    const at = error.sourceLocations?.[0];
    const expected = at?.label ? `; ${at.label}` : '';
    report({
      level: code === 'cedar_warning' ? 'warning' : 'error',
      code,
      message: `${error.message}${expected}`,
      file,
      line: lineAt(source, at === undefined ? offset : offset + fromByteOffset(source.slice(offset), at.start)),
      hint: error.help,
    });
  }
}
