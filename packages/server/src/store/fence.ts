/**
 * Who may write a session (L3), alike for every store. The epoch is looked at first: whoever lost a session to a claim is told so, though its
 * seq is stale too.
 */
import type { Append } from '../engine/ports.ts';

/** Where a session stands in the store; null if there is none of that id. */
export interface Standing {
  readonly seq: number;
  readonly epoch: number;
}

/** @param standing of the session under the append's own tenant, or `foreign` if another tenant has the id */
export function fence(
  standing: Standing | null | 'foreign',
  append: Pick<Append, 'expectedSeq' | 'expectedEpoch'>,
): 'passed' | 'conflict' | 'fenced' {
  // A foreign session looks like one that someone was quicker to begin: nothing is told about it (L10).
  if (standing === 'foreign') return 'conflict';
  if (standing === null) return append.expectedSeq === 0 && append.expectedEpoch === 0 ? 'passed' : 'conflict';
  if (append.expectedSeq === 0) return 'conflict';
  if (standing.epoch !== append.expectedEpoch) return 'fenced';
  return standing.seq === append.expectedSeq ? 'passed' : 'conflict';
}
