/**
 * A what-if over recorded placements: page by page, in bounded memory, and kept in a file on the way if one is named, so that a run that was
 * killed goes on where it stood and comes to the totals of one that was not.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { PlacementRecord } from '../../engine/placements.ts';
import type { PlacementRecord as CompactRecord } from '../../placement/record.ts';
import { makeReplay } from '../../placement/replay.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { emptyTally, type Tally, tallyFrom, type WireTally, wireTally } from '../../placement/tally.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { RecordedData, RecordedPlace, Window } from '../evidence/recorded.ts';
import type { Suppose, Suppositions } from './suppose.ts';

export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface WhatIfRun {
  readonly data: RecordedData;
  readonly suppositions: Suppositions;
  readonly suppose: Suppose;
  readonly window: Window;
  /** Where the state is kept; null: nowhere. */
  readonly state: string | null;
  readonly progress: (progress: Progress) => void;
}

export interface WhatIfTotals {
  readonly tally: Tally;
  /** Its end may have been fixed by the run that this one went on from. */
  readonly window: Window;
  readonly readings: ReturnType<Suppositions['readings']>;
}

/** Pages between two times that the state is kept. */
const KEEP_EVERY = 10;

interface Saved {
  readonly form: 1;
  /** What was asked: another question does not go on from this answer. */
  readonly question: string;
  /** Its end is fixed when the run begins: what is placed meanwhile does not come in. */
  readonly to: number | null;
  readonly place: RecordedPlace | null;
  readonly done: number;
  readonly readings: ReturnType<Suppositions['readings']>;
  readonly tally: WireTally;
}

/** @throws CliError if the state is of another question, or cannot be read */
export async function runWhatIf(run: WhatIfRun): Promise<WhatIfTotals> {
  const { data, suppositions, suppose, state } = run;
  const question = JSON.stringify([suppose, suppositions.digest, run.window.from, run.window.to, run.window.tenant]);
  const saved = state === null ? null : readState(state, question);
  const window = { ...run.window, to: run.window.to ?? saved?.to ?? Date.now() };
  const tally = saved === null ? emptyTally() : tallyFrom(saved.tally);
  const replay = makeReplay(tally);
  const total = await data.count(window);
  const before = saved?.readings ?? { recorded: [], supposed: [] };
  const readings = () => joined(before, suppositions.readings());
  let done = saved?.done ?? 0;
  let place = saved?.place ?? null;
  const keep = (): void => {
    if (state !== null)
      writeState(state, {
        form: 1,
        question,
        to: window.to,
        place,
        done,
        readings: readings(),
        tally: wireTally(tally),
      });
  };
  let pages = 0;
  if (saved === null) keep();
  for await (const page of data.pages(window, place)) {
    for (const placement of page.placements) await add(placement);
    done += page.placements.length;
    place = page.place;
    pages += 1;
    run.progress({ done, total });
    if (pages % KEEP_EVERY === 0) keep();
  }
  keep();
  return { tally, window, readings: readings() };

  async function add(placement: PlacementRecord): Promise<void> {
    const record = placement.record as unknown as CompactRecord;
    const supposition = record.s === undefined ? null : await suppositions.of(record.s);
    if (supposition === null) {
      tally.skipped += 1;
      return;
    }
    const { id, at, call } = placement;
    const use =
      supposition.readings === 'snapshot' && looksBack(supposition.supposed)
        ? await data.use(placement, window.to)
        : null;
    replay.add({ id, at, record, usage: call.usage, use }, supposition);
  }
}

/** Whether the reading that is supposed asks what a session did in all. */
function looksBack({ contracts, readings }: Snapshot): boolean {
  return contracts.some(contract =>
    contract.readings.some(({ id, retrospective }) => retrospective && readings[contract.id] === id),
  );
}

function joined(a: WhatIfTotals['readings'], b: WhatIfTotals['readings']): WhatIfTotals['readings'] {
  const union = (one: readonly string[], other: readonly string[]) => [...new Set([...one, ...other])].toSorted();
  return { recorded: union(a.recorded, b.recorded), supposed: union(a.supposed, b.supposed) };
}

function readState(file: string, question: string): Saved | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  let saved: Partial<Saved>;
  try {
    saved = JSON.parse(text) as Partial<Saved>;
  } catch (cause) {
    throw new CliError(EXIT.usage, `${file} is no state of a what-if`, { cause });
  }
  if (saved.form !== 1 || saved.tally === undefined)
    throw new CliError(EXIT.usage, `${file} is no state of a what-if that this version reads`);
  if (saved.question !== question)
    throw new CliError(
      EXIT.usage,
      `${file} is the state of another what-if: other contracts, reading, events or window`,
      {
        hint: 'Ask the same question, or name another file.',
      },
    );
  return saved as Saved;
}

/** Whole or not at all: a reader never sees half a state, whenever this process is killed. */
function writeState(file: string, saved: Saved): void {
  writeFileSync(`${file}.tmp`, JSON.stringify(saved));
  renameSync(`${file}.tmp`, file);
}
