/** A policy that decides, and the folder that it came from. */
import type { PolicySource } from './cedar-source.ts';

/** Path within the contract's folder -> text. */
export type ContractFiles = Readonly<Record<string, string>>;

export interface SlotEntity {
  readonly type: string;
  readonly id: string;
  readonly key: string;
}

/** A static policy, or a template with its slots filled. */
export interface Rule {
  readonly id: string;
  readonly source: PolicySource;
  /** The reading that a definition belongs to; null for a clause. */
  readonly reading: string | null;
  /** `line` is the link's, in the manifest. */
  readonly link: { readonly line: number | null; readonly slots: ReadonlyMap<string, SlotEntity> } | null;
}

export const READING_FILE: RegExp = /^readings\/([^/]+)\.cedar$/;

export function readingOf(source: PolicySource): string | null {
  return READING_FILE.exec(source.file)?.[1] ?? null;
}
