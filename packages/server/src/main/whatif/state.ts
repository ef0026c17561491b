/** The state of a what-if in a file: there whole or not at all, and of one question alone. */
import { readFileSync } from 'node:fs';
import type { WireTally } from '../../placement/tally.ts';
import { writeWhole } from '../../store/blobs/whole-file.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { RecordedPlace } from '../evidence/recorded.ts';
import type { Suppositions } from './suppose.ts';

/** What was asked, part by part, named as people know them; what is long by its digest. */
export type Question = Readonly<Record<string, string>>;

/** Snapshots that were seen are kept by their versions, which are digests of their contracts and of the prices that placements saw. */
export interface Saved {
  readonly form: 3;
  readonly question: Question;
  /** Its end is fixed when the run begins: what is placed meanwhile does not come in. */
  readonly to: number | null;
  readonly place: RecordedPlace | null;
  readonly done: number;
  /** Bytes of the file of placements that this state stands for. */
  readonly written: number;
  readonly readings: ReturnType<Suppositions['readings']>;
  /** Of the snapshots that were seen so far. */
  readonly versions: readonly string[];
  readonly tally: WireTally;
}

/** Null if there is none yet. @throws CliError if it is of another question, or cannot be read */
export function readState(file: string, question: Question): Saved | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  let saved: Partial<Saved> | null;
  try {
    saved = JSON.parse(text) as Partial<Saved> | null;
  } catch (cause) {
    throw new CliError(EXIT.usage, `perdure whatif: ${file} is no state of a what-if`, { cause });
  }
  if (saved?.form !== 3 || saved.tally === undefined)
    throw new CliError(EXIT.usage, `perdure whatif: ${file} is no state of a what-if that this version reads`);
  const asked = saved.question ?? {};
  const other = Object.keys(question).filter(part => asked[part] !== question[part]);
  if (other.length > 0)
    throw new CliError(
      EXIT.usage,
      `perdure whatif: ${file} is the state of another what-if: it differs in ${other.join(', ')}`,
      {
        hint: 'Ask the same question, or name another file.',
      },
    );
  return saved as Saved;
}

/** @throws CliError if it cannot be written */
export async function writeState(file: string, saved: Saved): Promise<void> {
  try {
    await writeWhole(file, Buffer.from(JSON.stringify(saved)));
  } catch (cause) {
    throw new CliError(EXIT.failed, `the state could not be written: ${file}`, { cause });
  }
}
