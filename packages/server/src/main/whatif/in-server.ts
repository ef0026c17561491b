/** `POST /perdure/v1/whatif`: some placements decided again in the server, each on what it saw, with what is supposed laid over it. */
import {
  perdureError,
  type WhatIfLeftOut,
  type WhatIfRequest,
  type WhatIfResult,
  type WhatIfRow,
  type WhatIfSide,
} from '@perdure/protocol';
import type { Contract } from '../../contract/contract.ts';
import type { PlacementRecord } from '../../engine/placements.ts';
import type { Decision } from '../../placement/decision.ts';
import { recompute, type PlacementRecord as CompactRecord } from '../../placement/record.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { clausesOf, distinct } from '../refusal-view.ts';
import { type LoadedSnapshot, parseDocument, snapshotOfDocument } from '../snapshots.ts';
import { lackingWords, SupposedContracts } from './supposed-contracts.ts';
import { staysWords, SupposedReading } from './supposed-reading.ts';

interface Supposed {
  readonly snapshot: Snapshot;
  readonly contracts: readonly Contract[];
  /** Null: what is supposed is decided on. */
  readonly leftOut: LeftOut | null;
}

/** Its contracts have no such reading, or not all that are supposed: what was decided on it stays as it was recorded. */
interface LeftOut {
  readonly contracts: readonly string[];
  readonly lacks: readonly string[];
  readonly reading: boolean;
  /** When its placements were made, ms since 1970. */
  readonly at: number[];
}

/** @throws PerdureError invalid_request */
export async function whatIf(
  records: readonly PlacementRecord[],
  suppose: WhatIfRequest,
  snapshotOf: (version: string) => Promise<LoadedSnapshot>,
): Promise<Omit<WhatIfResult, 'object' | 'truncated'>> {
  const supposed = new Map<string, Supposed>();
  const reading = new SupposedReading(suppose.reading ?? null);
  const wanted = new SupposedContracts(suppose.contracts ?? null);
  const rows: WhatIfRow[] = [];
  for (const record of records) {
    const compact = record.record as unknown as CompactRecord;
    if (compact.s === undefined) continue;
    const base = await snapshotOf(compact.s);
    let other = supposed.get(compact.s);
    if (other === undefined) {
      // Asked of what was in force then: other contracts that are supposed must have the reading.
      const stays = reading.staysOn(base.contracts);
      const contracts = base.contracts.map(({ id }) => id);
      const lacks = wanted.lackingOf(contracts);
      const leftOut = stays || lacks.length > 0 ? { contracts, lacks, reading: stays, at: [] } : null;
      other = { ...(leftOut === null ? suppositionOf(base, suppose) : base), leftOut };
      supposed.set(compact.s, other);
    }
    other.leftOut?.at.push(record.at);
    const stays = other.leftOut !== null;
    const was = recompute(compact, base.snapshot);
    const would = stays ? was : recompute(supposedRecord(compact, suppose), other.snapshot);
    const changed = was.outcome !== would.outcome || was.chosen !== would.chosen;
    rows.push({
      placement: record.id,
      session: record.session,
      response: record.response,
      action: record.action,
      was: side(was, base.snapshot),
      would_be: side(would, other.snapshot),
      changed,
      as_recorded: stays,
    });
  }
  const problem = reading.problem();
  if (problem !== null) {
    const near = problem.near === null ? '' : ` Did you mean ${problem.near}?`;
    throw perdureError('invalid_request', `'${suppose.reading ?? ''}': ${problem.message}.${near}`, {
      param: 'reading',
    });
  }
  const lacking = wanted.problem();
  if (lacking !== null) throw perdureError('invalid_request', lacking, { param: 'contracts' });
  const sets = [...supposed.values()];
  const decidedOn = sets.find(({ leftOut }) => leftOut === null) ?? sets[0];
  const leftOut = sets.flatMap(one => one.leftOut ?? []);
  return {
    reading: suppose.reading ?? null,
    contracts: decidedOn?.contracts.map(contract => contract.id) ?? [],
    as_of: suppose.as_of ?? null,
    rows,
    changed: rows.filter(row => row.changed).length,
    as_recorded: rows.filter(row => row.as_recorded).length,
    left_out: leftOut.map(leftOutOf),
    notice: noticeOf(leftOut, suppose),
  };
}

function leftOutOf({ contracts, lacks, reading, at }: LeftOut): WhatIfLeftOut {
  const times = at.map(ms => Math.floor(ms / 1000)).toSorted((a, b) => a - b);
  return {
    contracts,
    lacks,
    without_reading: reading,
    placements: at.length,
    from: times[0] ?? 0,
    to: times.at(-1) ?? 0,
  };
}

/** What lacks contracts is told as that, whatever readings it has. */
function noticeOf(leftOut: readonly LeftOut[], { reading }: WhatIfRequest): string | null {
  const lacking = leftOut.filter(({ lacks }) => lacks.length > 0);
  const countOf = (some: readonly LeftOut[]): number => some.reduce((sum, { at }) => sum + at.length, 0);
  const lacks = lacking.flatMap(one => one.lacks);
  const told = [
    lackingWords(countOf(lacking), lacks),
    staysWords(countOf(leftOut.filter(one => one.lacks.length === 0)), reading ?? null),
  ].filter(words => words !== null);
  return told.length === 0 ? null : told.join('; ');
}

function suppositionOf(base: LoadedSnapshot, suppose: WhatIfRequest): LoadedSnapshot {
  const document = parseDocument(base.document);
  const kept = base.contracts.map(({ id }) => suppose.contracts?.includes(id) ?? true);
  const contracts = document.contracts.filter((_, index) => kept[index]);
  // The reading of that time, if one of those that are left has it: else each is read as it says itself.
  const offered = base.contracts.flatMap(({ readings }, index) => (kept[index] === true ? readings : []));
  const then = offered.some(({ id }) => id === document.reading) ? document.reading : null;
  try {
    return snapshotOfDocument({ ...document, contracts, reading: suppose.reading ?? then }, true);
  } catch (error) {
    throw perdureError('invalid_request', error instanceof Error ? error.message : 'This cannot be supposed.', {
      param: 'reading',
    });
  }
}

/** The session's own reading and the real time give way to what is supposed. */
function supposedRecord(record: CompactRecord, suppose: WhatIfRequest): CompactRecord {
  const { r: readings, ...rest } = record;
  const kept = suppose.reading === undefined && readings !== undefined ? { ...rest, r: readings } : rest;
  if (suppose.as_of === undefined) return kept;
  const at = Date.parse(suppose.as_of);
  return { ...kept, t: at, b: 0 };
}

function side(decision: Decision, snapshot: Snapshot): WhatIfSide {
  const place = decision.chosen === null ? undefined : snapshot.byId.get(decision.chosen);
  const deciding = decision.chosen === null ? decision.rows : decision.rows.filter(row => row.verdict === 'excluded');
  const [first] = Object.values(decision.classes).filter(one => one !== null);
  return {
    outcome: decision.outcome,
    target: decision.chosen,
    cloud: place?.cloud ?? null,
    class: first ?? null,
    clauses: distinct(deciding.flatMap(clausesOf)),
  };
}
