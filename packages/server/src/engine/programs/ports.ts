/** What the engine asks of whoever interprets programs. The implementation lies in `workspace/programs/`. */
import type { ProgramLimits, ProgramResult, ProgramStep } from '../../tool/program.ts';

export interface Program {
  readonly source: string;
  /** What its chance is drawn from: the same for every run of one call. */
  readonly seed: string;
  /** ms since 1970: the only time that it is told. */
  readonly at: number;
}

export interface ProgramHost {
  readonly limits: ProgramLimits;
  /** Waits for its turn, if as many as may run at once do. @throws if `signal` aborts, or no thread can be had */
  begin(program: Program, signal: AbortSignal): Promise<LiveProgram>;
  close(): Promise<void>;
}

/** A program in memory. It may be put away at any time while it waits: then it is begun anew, and fed again what it was fed (P1). */
export interface LiveProgram {
  /** What it did at its beginning. */
  readonly first: ProgramStep;
  /** Tells it what came of one of its calls, and gives what it did then. Null: it was put away. */
  feed(result: ProgramResult): Promise<ProgramStep | null>;
  end(): void;
}
