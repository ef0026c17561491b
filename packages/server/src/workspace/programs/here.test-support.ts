/** Programs in this thread, for tests that are not about threads: without the fixed clock, and without a bound on real time. */
import type { ProgramHost } from '../../engine/programs/ports.ts';
import { PROGRAM_LIMITS, type ProgramLimits } from '../../tool/program.ts';
import { Interpreter } from './interpreter.ts';

export interface ProgramsHere extends ProgramHost {
  /** Programs begun so far: those that were begun anew too. */
  begun: number;
  /** Put away after this many results, to be begun anew. */
  forgetAfter: number;
}

export function programsHere(limits: Partial<ProgramLimits> = {}): ProgramsHere {
  const all = { ...PROGRAM_LIMITS, ...limits };
  const host: ProgramsHere = {
    limits: all,
    begun: 0,
    forgetAfter: Number.POSITIVE_INFINITY,
    async begin(program) {
      host.begun += 1;
      let left = host.forgetAfter;
      const { interpreter, first } = await Interpreter.begin(program, all);
      return {
        first,
        async feed(result) {
          if (left <= 0) {
            host.forgetAfter = Number.POSITIVE_INFINITY;
            return null;
          }
          left -= 1;
          return interpreter.feed(result);
        },
        end: () => undefined,
      };
    },
    close: () => Promise.resolve(),
  };
  return host;
}
