/**
 * A what-if over recorded placements: page by page, in bounded memory, and kept in a file on the way if one is named, so that a run that was
 * killed goes on where it stood and comes to the totals of one that was not.
 */
import type { Use } from '../../placement/facts.ts';
import { makeReplay, type Supposition } from '../../placement/replay.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { type Counted, emptyTally, type Tally, tallyFrom, wireTally } from '../../placement/tally.ts';
import type { PlacementName, RecordedTexts, ReplaySource, Window } from '../evidence/recorded.ts';
import { type Changed, isTold, lineOf, openLines } from './lines.ts';
import { type PlacedText, placedText } from './placed.ts';
import { type Question, readState, writeState } from './state.ts';
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
  /** Where what changed is written, a line for each placement; null: nowhere. */
  readonly placements: string | null;
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

/** @throws CliError if the state is of another question, or cannot be read */
export async function runWhatIf(run: WhatIfRun): Promise<WhatIfTotals> {
  const { data, suppositions, state } = run;
  const question = questionOf(run);
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
  const lines = run.placements === null ? null : openLines(run.placements, saved === null ? null : saved.written);
  const keep = async (): Promise<void> => {
    // What the state says is written is on the disk before it.
    const written = lines?.flush() ?? 0;
    if (state !== null)
      await writeState(state, {
        form: 3,
        question,
        written,
        to: window.to,
        place,
        done,
        readings: readings(),
        versions: suppositions.versions(),
        tally: wireTally(tally),
      });
  };
  try {
    await replayed();
  } finally {
    lines?.close();
  }
  suppositions.mustHaveRead();
  return { tally, window, readings: readings(), terms: suppositions.terms() };

  async function replayed(): Promise<void> {
    let pages = 0;
    for (const version of saved?.versions ?? []) await suppositions.of(version);
    if (saved === null) await keep();
    let named = tally.breaches.length;
    for await (const page of data.texts(window, place)) {
      const { positions } = page.texts;
      const changed: Changed[] = [];
      for (let index = 0; index < positions.length; index++) {
        if (!page.wanted(index)) continue;
        // Most records name the same snapshot and no reading looks back: then nothing is waited for.
        const placed = placedText(page.texts, index);
        if (placed.version !== known.version || known.looksBack) await know(placed.version, page, index);
        const counted = add(placed, page, index);
        if (lines !== null && counted !== null && isTold(counted.cell))
          changed.push({ ...counted, index, cites: suppositions.cites(counted.supposition) });
        done += 1;
      }
      place = page.place;
      if (changed.length > 0 || named < tally.breaches.length) {
        const names = await page.names();
        for (; named < tally.breaches.length; named++) nameBreach(named, names);
        lines?.write(changed.map(one => lineOf(one, page.texts, names)).join(''));
      }
      pages += 1;
      run.progress({ done, total });
      if (pages % KEEP_EVERY === 0) await keep();
    }
    await keep();
  }

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

  function add(
    { text, start, end, usage }: PlacedText,
    { texts }: RecordedTexts,
    index: number,
  ): (Counted & { readonly supposition: Supposition }) | null {
    const { supposition, use } = known;
    if (supposition === null) {
      tally.skipped += 1;
      return null;
    }
    // The id is more than one row of the log tells: it is looked up for those that are named.
    const id = String(texts.positions[index]);
    const counted = replay.add({ id, at: texts.ats[index] ?? 0, text, start, end, usage, use }, supposition);
    return lines === null ? null : { ...counted, supposition };
  }

  function nameBreach(index: number, names: ReadonlyMap<number, PlacementName>): void {
    const breach = tally.breaches[index];
    if (breach === undefined) return;
    tally.breaches[index] = { ...breach, id: names.get(Number(breach.id))?.id ?? breach.id };
  }
}

/** What an answer depends on: another one does not go on from it. */
function questionOf({ data, suppositions, suppose, window, placements }: WhatIfRun): Question {
  const { contracts, prices, rates } = suppositions.digests;
  const moment = (ms: number | null): string => (ms === null ? '-' : new Date(ms).toISOString());
  return {
    '--contracts': suppose.contracts === null ? '-' : contracts,
    '--reading': suppose.reading ?? '-',
    '--event': JSON.stringify(suppose.events),
    '--from': moment(window.from),
    '--to': moment(window.to),
    '--tenant': window.tenant ?? '-',
    '--data or --url': data.source,
    '--placements': placements === null ? 'not written' : 'written',
    prices,
    'rate cards': rates,
  };
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
