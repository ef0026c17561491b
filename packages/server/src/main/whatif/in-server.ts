/** `POST /perdure/v1/whatif`: some placements decided again in the server, each on what it saw, with what is supposed laid over it. */
import {
  perdureError,
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
import { staysWords, SupposedReading } from './supposed-reading.ts';

interface Supposed {
  readonly snapshot: Snapshot;
  readonly contracts: readonly Contract[];
  /** Its contracts have no such reading. */
  readonly stays: boolean;
}

/** @throws PerdureError invalid_request */
export async function whatIf(
  records: readonly PlacementRecord[],
  suppose: WhatIfRequest,
  snapshotOf: (version: string) => Promise<LoadedSnapshot>,
): Promise<Omit<WhatIfResult, 'object' | 'truncated'>> {
  const supposed = new Map<string, Supposed>();
  const reading = new SupposedReading(suppose.reading ?? null);
  const rows: WhatIfRow[] = [];
  for (const record of records) {
    const compact = record.record as unknown as CompactRecord;
    if (compact.s === undefined) continue;
    const base = await snapshotOf(compact.s);
    let other = supposed.get(compact.s);
    if (other === undefined) {
      // Asked of what was in force then: other contracts that are supposed must have the reading.
      const stays = reading.staysOn(base.contracts);
      other = { ...(stays ? base : suppositionOf(base, suppose)), stays };
      supposed.set(compact.s, other);
    }
    const was = recompute(compact, base.snapshot);
    const would = other.stays ? was : recompute(supposedRecord(compact, suppose), other.snapshot);
    const changed = was.outcome !== would.outcome || was.chosen !== would.chosen;
    rows.push({
      placement: record.id,
      session: record.session,
      response: record.response,
      action: record.action,
      was: side(was, base.snapshot),
      would_be: side(would, other.snapshot),
      changed,
      as_recorded: other.stays,
    });
  }
  const problem = reading.problem();
  if (problem !== null) {
    const near = problem.near === null ? '' : ` Did you mean ${problem.near}?`;
    throw perdureError('invalid_request', `'${suppose.reading ?? ''}': ${problem.message}.${near}`, {
      param: 'reading',
    });
  }
  const asRecorded = rows.filter(row => row.as_recorded).length;
  const contracts = [...supposed.values()][0]?.contracts.map(contract => contract.id) ?? [];
  return {
    reading: suppose.reading ?? null,
    contracts,
    as_of: suppose.as_of ?? null,
    rows,
    changed: rows.filter(row => row.changed).length,
    as_recorded: asRecorded,
    notice: staysWords(asRecorded, suppose.reading ?? null),
  };
}

function suppositionOf(base: LoadedSnapshot, suppose: WhatIfRequest): LoadedSnapshot {
  const document = parseDocument(base.document);
  const known = base.contracts.map(contract => contract.id);
  const unknown = suppose.contracts?.find(id => !known.includes(id));
  if (unknown !== undefined)
    throw perdureError('invalid_request', `No configured contract is called '${unknown}'.`, { param: 'contracts' });
  const contracts = document.contracts.filter((_, index) => suppose.contracts?.includes(known[index] ?? '') ?? true);
  try {
    return snapshotOfDocument({ ...document, contracts, reading: suppose.reading ?? document.reading }, true);
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
