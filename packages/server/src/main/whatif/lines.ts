/**
 * Which placements would differ, one by one: a line of JSON for each, written page by page. How far the file is written is part of the state, so
 * that a run that goes on cuts off what came after, and the file is the same as that of a run that was never killed.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type Cell, type Change, changeOf, type Counted } from '../../placement/tally.ts';
import type { PlacementTexts } from '../../store/sqlite/messages.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { PlacementName } from '../evidence/recorded.ts';
import type { SidesOfCites } from './suppose.ts';

/** Money is micro-USD as text: a JSON number would lose digits. */
export interface PlacementLine {
  readonly id: string;
  readonly at: string;
  readonly tenant: string;
  readonly session: string;
  readonly action: string;
  readonly change: Change;
  readonly breach: boolean;
  /** Null: it had no place. */
  readonly from: string | null;
  readonly from_cloud: string | null;
  readonly recorded_outcome: string;
  readonly to: string | null;
  readonly to_cloud: string | null;
  readonly supposed_outcome: string;
  /** Null as a citation: the clause has none, or no contract was in force. */
  readonly clauses: readonly { readonly clause: string; readonly cite: string | null }[];
  /** Whether its usage is known: what costs nothing else may cost something. */
  readonly metered: boolean;
  readonly recorded_micro_usd: string;
  readonly supposed_micro_usd: string;
  readonly at_most_micro_usd: string;
}

/** A placement that a line tells of. */
export interface Changed extends Counted {
  /** In its page. */
  readonly index: number;
  readonly cites: SidesOfCites;
}

export function isTold(cell: Cell): boolean {
  return cell.breach || changeOf(cell) !== 'same';
}

export function lineOf(
  { cell, added, index, cites }: Changed,
  texts: PlacementTexts,
  names: ReadonlyMap<number, PlacementName>,
): string {
  const position = texts.positions[index] ?? 0;
  const name = names.get(position);
  const { was, would, breach } = cell;
  // The clauses of what stays placed without a breach are those that spoke then.
  const [first, second] =
    breach || would.outcome === 'refused' ? [cites.supposed, cites.recorded] : [cites.recorded, cites.supposed];
  const citeOf = (clause: string): string | null => {
    const key = clause.replace(/!$/, '');
    return (first.get(key) ?? second.get(key)) || null;
  };
  const line: PlacementLine = {
    id: name?.id ?? String(position),
    at: new Date(texts.ats[index] ?? 0).toISOString(),
    tenant: name?.tenant ?? '',
    session: texts.sessions[index] ?? '',
    action: cell.action,
    change: changeOf(cell),
    breach,
    from: was.place,
    from_cloud: was.cloud,
    recorded_outcome: was.outcome,
    to: would.place,
    to_cloud: would.cloud,
    supposed_outcome: would.outcome,
    clauses: cell.clauses.map(clause => ({ clause, cite: citeOf(clause) })),
    metered: added.usage !== null,
    recorded_micro_usd: String(added.wasCost),
    supposed_micro_usd: String(added.wouldCost),
    at_most_micro_usd: String(added.atMost),
  };
  return `${JSON.stringify(line)}\n`;
}

export interface Lines {
  write(text: string): void;
  /** To the disk. How many bytes the file has. */
  flush(): number;
  close(): void;
}

/**
 * @param goOn bytes after which it goes on; null: it begins anew
 * @throws CliError if the file is not the one to go on with
 */
export function openLines(file: string, goOn: number | null): Lines {
  const opened = opening(file, goOn);
  let at = goOn ?? 0;
  return {
    write(text) {
      const bytes = Buffer.from(text);
      for (let done = 0; done < bytes.length; ) done += writeSync(opened, bytes, done, bytes.length - done, at + done);
      at += bytes.length;
    },
    flush() {
      fsyncSync(opened);
      return at;
    },
    close: () => closeSync(opened),
  };
}

function opening(file: string, goOn: number | null): number {
  if (goOn === null) return openSync(file, 'w');
  let opened: number;
  try {
    opened = openSync(file, 'r+');
  } catch (cause) {
    throw new CliError(EXIT.usage, `perdure whatif: --placements ${file} is not there, and the state goes on from it`, {
      cause,
    });
  }
  const { size } = fstatSync(opened);
  if (size < goOn) {
    closeSync(opened);
    throw new CliError(
      EXIT.usage,
      `perdure whatif: --placements ${file} is not what the state goes on from: ${size} of ${goOn} bytes`,
    );
  }
  ftruncateSync(opened, goOn);
  return opened;
}
