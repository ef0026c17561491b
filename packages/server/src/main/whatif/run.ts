/**
 * A what-if over recorded placements: page by page, in bounded memory, and kept in a file on the way if one is named, so that a run that was
 * killed goes on where it stood and comes to the totals of one that was not.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Use } from '../../placement/facts.ts';
import { makeReplay, type Supposition } from '../../placement/replay.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { emptyTally, type Tally, tallyFrom, type WireTally, wireTally } from '../../placement/tally.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { RecordedPlace, RecordedTexts, ReplaySource, Window } from '../evidence/recorded.ts';
import { type PlacedText, placedText } from './placed.ts';
import type { SidesOfTerms, Suppose, Suppositions } from './suppose.ts';

export interface Progress {
  readonly done: number;
  /** Null: not known. */
  readonly total: number | null;
}

export interface WhatIfRun {
  readonly data: ReplaySource;
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
  readonly terms: SidesOfTerms;
}

/** Pages between two times that the state is kept. */
const KEEP_EVERY = 10;

interface Saved {
  readonly form: 2;
  /** What was asked: another question does not go on from this answer. */
  readonly question: string;
  /** Its end is fixed when the run begins: what is placed meanwhile does not come in. */
  readonly to: number | null;
  readonly place: RecordedPlace | null;
  readonly done: number;
  readonly readings: ReturnType<Suppositions['readings']>;
  /** Of the snapshots that were seen so far. */
  readonly versions: readonly string[];
  readonly tally: WireTally;
}

/** @throws CliError if the state is of another question, or cannot be read */
export async function runWhatIf(run: WhatIfRun): Promise<WhatIfTotals> {
  const { data, suppositions, suppose, state } = run;
  const { from, to, tenant } = run.window;
  const question = JSON.stringify([suppose, suppositions.digest, from, to, tenant, data.source]);
  const saved = state === null ? null : readState(state, question);
  const window = { ...run.window, to: run.window.to ?? saved?.to ?? Date.now() };
  const tally = saved === null ? emptyTally() : tallyFrom(saved.tally);
  const replay = makeReplay(tally);
  const total = await data.count(window);
  const before = saved?.readings ?? { recorded: [], supposed: [] };
  const readings = () => joined(before, suppositions.readings());
  let known: Known = { version: null, supposition: null, looksBack: false, use: null };
  let done = saved?.done ?? 0;
  let place = saved?.place ?? null;
  const keep = (): void => {
    if (state !== null)
      writeState(state, {
        form: 2,
        question,
        to: window.to,
        place,
        done,
        readings: readings(),
        versions: suppositions.versions(),
        tally: wireTally(tally),
      });
  };
  let pages = 0;
  for (const version of saved?.versions ?? []) await suppositions.of(version);
  if (saved === null) keep();
  let named = tally.breaches.length;
  for await (const page of data.texts(window, place)) {
    const { positions } = page.texts;
    for (let index = 0; index < positions.length; index++) {
      if (!page.wanted(index)) continue;
      // Most records name the same snapshot and no reading looks back: then nothing is waited for.
      const placed = placedText(page.texts, index);
      if (placed.version !== known.version || known.looksBack) await know(placed.version, page, index);
      add(placed, page, index);
      done += 1;
    }
    place = page.place;
    for (; named < tally.breaches.length; named++) await nameBreach(named, page.place);
    pages += 1;
    run.progress({ done, total });
    if (pages % KEEP_EVERY === 0) keep();
  }
  keep();
  suppositions.mustHaveRead();
  return { tally, window, readings: readings(), terms: suppositions.terms() };

  async function know(version: string, page: RecordedTexts, index: number): Promise<void> {
    if (version !== known.version) {
      const supposition = await suppositions.of(version);
      const back = supposition !== null && supposition.readings === 'snapshot' && looksBack(supposition.supposed);
      known = { version, supposition, looksBack: back, use: null };
    }
    const session = page.texts.sessions[index];
    if (!known.looksBack || session === undefined) return;
    const { home, tenant } = page.place;
    known = { ...known, use: await data.use({ session, tenant, home }, window.to) };
  }

  function add({ text, start, end, usage }: PlacedText, { texts }: RecordedTexts, index: number): void {
    const { supposition, use } = known;
    if (supposition === null) {
      tally.skipped += 1;
      return;
    }
    // The id is more than one row of the log tells: it is looked up for the few that are named.
    const id = String(texts.positions[index]);
    replay.add({ id, at: texts.ats[index] ?? 0, text, start, end, usage, use }, supposition);
  }

  async function nameBreach(index: number, { home, tenant }: RecordedPlace): Promise<void> {
    const breach = tally.breaches[index];
    if (breach === undefined) return;
    const placement = await data.placement({ home, tenant, after: Number(breach.id) });
    tally.breaches[index] = { ...breach, id: placement?.id ?? breach.id };
  }
}

/** The supposition for a version of what was decided on, and what the session of the next placement did. */
interface Known {
  readonly version: string | null;
  readonly supposition: Supposition | null;
  readonly looksBack: boolean;
  readonly use: Use | null;
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
  if (saved.form !== 2 || saved.tally === undefined)
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
