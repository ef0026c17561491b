/** What the host and the thread of a program say to each other: a request, then its answer. */
import type { Program } from '../../engine/programs/ports.ts';
import type { ProgramLimits, ProgramResult, ProgramStep } from '../../tool/program.ts';

export interface ProgramStart {
  readonly program: Program;
  readonly limits: ProgramLimits;
}

/** After the start, which is answered too. */
export type ProgramRequest = ProgramResult;
export type ProgramAnswer = ProgramStep;

/** What the thread says once it is loaded: from then on its time counts. */
export const READY = 'ready';
