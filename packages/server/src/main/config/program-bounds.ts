/** Limits of the programs that models write: part of `limits` of perdure.yaml. */
import type { Bound } from './limits.ts';

/** Times in ms, sizes in characters unless the name says otherwise. */
export interface ProgramServerLimits {
  readonly programsAtOnce: number;
  readonly programSourceChars: number;
  readonly programMemoryBytes: number;
  readonly programKilosteps: number;
  readonly programStepMs: number;
  readonly programCalls: number;
  readonly programArgumentChars: number;
  readonly programOutputChars: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const PROGRAM_BOUNDS: { readonly [name in keyof ProgramServerLimits]: Bound } = {
  programsAtOnce: {
    name: 'programs_at_once',
    unit: 'programs',
    default: 4,
    min: 1,
    max: 256,
    what: 'Programs of models that are in memory; those that wait for their calls make room for others.',
  },
  programSourceChars: {
    name: 'program_source_chars',
    unit: 'characters',
    default: 64 * KIB,
    min: KIB,
    max: MIB,
    what: 'The source of a program.',
  },
  programMemoryBytes: {
    name: 'program_memory_bytes',
    unit: 'bytes',
    default: 32 * MIB,
    min: MIB,
    max: 512 * MIB,
    what: 'Memory of a program.',
  },
  programKilosteps: {
    name: 'program_kilosteps',
    unit: '1000 steps',
    default: 10_000,
    min: 10,
    max: 10_000_000,
    what: 'What a program may compute in all, in thousands of steps (calls and loops, nearly).',
  },
  programStepMs: {
    name: 'program_step_ms',
    unit: 'ms',
    default: 5_000,
    min: 50,
    max: 600_000,
    what: 'Computing of a program between two of its waits.',
  },
  programCalls: {
    name: 'program_calls',
    unit: 'calls',
    default: 256,
    min: 1,
    max: 10_000,
    what: 'Tool calls of a program; those of its turn are bounded beside it.',
  },
  programArgumentChars: {
    name: 'program_argument_chars',
    unit: 'characters',
    default: 256 * KIB,
    min: KIB,
    max: MIB,
    what: 'The arguments of one call of a program.',
  },
  programOutputChars: {
    name: 'program_output_chars',
    unit: 'characters',
    default: 64 * KIB,
    min: KIB,
    max: MIB,
    what: 'What the model is told by a program; the middle of more is left out.',
  },
};
