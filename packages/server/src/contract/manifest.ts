/** `contract.yaml`: who, when, over what; the readings; the source of every clause; the money terms. */
import { isAlias, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import type { Report } from './finding.ts';
import { reportIssues } from './manifest-issues.ts';
import { day, id, text } from './manifest-words.ts';
import { type MoneyTerms, moneyKeys } from './money-terms.ts';

export const MANIFEST_FILE = 'contract.yaml';

export interface Manifest extends MoneyTerms {
  readonly id: string;
  readonly version: string;
  /** `house-rules` bind like a contract, but never count as the contract that a scope must have in force. */
  readonly kind: 'agreement' | 'house-rules';
  readonly title: string;
  readonly parties: readonly string[];
  /** Days in UTC; `to` is exclusive; null is unbounded. */
  readonly effective: { readonly from: string | null; readonly to: string | null };
  /** Contracts that this one, once effective, puts out of force. */
  readonly supersedes: readonly string[];
  /** Null: everything. A model call is inside by the model's vendor; the rest by the product, or by the product's vendor. */
  readonly scope: { readonly vendors: readonly string[]; readonly products: readonly string[] } | null;
  readonly default_reading: string | null;
  readonly readings: readonly { readonly id: string; readonly title: string; readonly retrospective: boolean }[];
  readonly sources: Readonly<Record<string, Source>>;
  readonly clauses: Readonly<Record<string, ClauseNote>>;
  readonly links: readonly Link[];
}

export interface Source {
  readonly title: string;
  readonly date: string | null;
  readonly ref: string | null;
}

/** A: a filing. B: several reports agree on an official text. C: press or unnamed sources. */
export interface ClauseNote {
  readonly source: string;
  readonly confidence: 'A' | 'B' | 'C';
  readonly summary: string;
}

/** A clause made from a template: each slot is filled with an entity written `Type::"id"`. */
export interface Link {
  readonly id: string;
  readonly template: string;
  readonly principal: string | null;
  readonly resource: string | null;
}

const laterDay = day.nullable().default(null);
const maybeText = text.nullable().default(null);

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  id,
  version: z.string().min(1).max(64),
  kind: z.enum(['agreement', 'house-rules']).default('agreement'),
  title: text,
  parties: z.array(id).default([]),
  effective: z.strictObject({ from: laterDay, to: laterDay }).default({ from: null, to: null }),
  supersedes: z.array(id).default([]),
  scope: z
    .strictObject({ vendors: z.array(id).default([]), products: z.array(id).default([]) })
    .nullable()
    .default(null),
  default_reading: id.nullable().default(null),
  readings: z.array(z.strictObject({ id, title: text, retrospective: z.boolean().default(false) })).default([]),
  sources: z.record(id, z.strictObject({ title: text, date: laterDay, ref: maybeText })),
  clauses: z.record(id, z.strictObject({ source: id, confidence: z.enum(['A', 'B', 'C']), summary: text })),
  links: z.array(z.strictObject({ id, template: id, principal: maybeText, resource: maybeText })).default([]),
  ...moneyKeys,
});

export interface LocatedManifest {
  readonly manifest: Manifest;
  /** Line (from 1) of the node at a path, or of the nearest node above it. */
  readonly lineOf: (path: readonly PropertyKey[]) => number | null;
  /** The value at a path as it is written; null if nothing is. */
  readonly written: (path: readonly PropertyKey[]) => string | null;
}

/** Reads the manifest; null after reporting why not. */
export function parseManifest(source: string, report: Report): LocatedManifest | null {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const problem = (message: string, line: number | null): void =>
    report({ level: 'error', code: 'yaml_invalid', message, file: MANIFEST_FILE, line, hint: null });
  for (const error of document.errors) {
    problem(error.message, lines.linePos(error.pos[0]).line);
  }
  if (document.errors.length > 0) return null;
  const lineOf = (path: readonly PropertyKey[]): number | null => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return null;
  };
  const written = (path: readonly PropertyKey[]): string | null => {
    const node = document.getIn(path, true);
    const scalar = isAlias(node) ? node.resolve(document) : node;
    return isScalar(scalar) ? (scalar.source ?? null) : null;
  };
  let json: unknown;
  try {
    json = document.toJS();
  } catch (error) {
    problem(error instanceof Error ? error.message : String(error), null);
    return null;
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return { manifest: parsed.data, lineOf, written };
  reportIssues(parsed.error.issues, { schema: manifestSchema, json, file: MANIFEST_FILE, lineOf }, report);
  return null;
}
