/**
 * Conditions as questions to many places at once.
 *
 * `&&`, `||`, `!` and `if` become operations on bits; what lies below them is asked as seldom as it can be: once for all calls if it
 * reads the place alone, once for all places if it reads the call alone, and once for the clauses that share it if it reads both.
 * Short circuit is kept: a place is asked only where Cedar would have evaluated the part.
 */
import { type Ask, type Asking, type Known, moveTo, seatOf } from './block.ts';
import { asBool } from './operators.ts';
import { type Compiled, type MemoPlan, READS, remembered, slotOf } from './remembered.ts';
import { type Env, EvaluationError } from './value.ts';

/** Says only that there is no answer: whoever wants to know why evaluates the policy at the place. Made once, for its stack is dear. */
const UNANSWERED = new EvaluationError('it fails at a place');

/** A compiled expression as a question. What is no boolean fails, as an operand of a condition does. */
export function questionOf(compiled: Compiled, plan: MemoPlan): Ask {
  if (compiled.reads === READS.place) return onPlaceAlone(compiled, plan);
  if (compiled.reads === READS.both) return compiled.ask ?? onBoth(compiled, plan);
  const { run } = remembered(compiled, plan);
  return ({ env }, need) => (asBool(run(env)) ? need : 0);
}

function onPlaceAlone(compiled: Compiled, plan: MemoPlan): Ask {
  const slot = slotOf(plan.place, compiled.est);
  const { run } = remembered(compiled, plan);
  return askOnce(slot, env => asBool(run(env)));
}

/** Asks something that depends on the place alone: every place of the block, the first time. */
export function askOnce(slot: number, test: (env: Env) => boolean): Ask {
  return (asking, need) => {
    const { known } = asking.block;
    const answer = known[slot] ?? answerOnce(asking, test);
    known[slot] = answer;
    if ((answer.fails & need) !== 0) throw UNANSWERED;
    return answer.holds & need;
  };
}

function answerOnce({ env, block }: Asking, test: (env: Env) => boolean): Known {
  let holds = 0;
  let fails = 0;
  for (const [i, seat] of block.seats.entries()) {
    moveTo(env, seat);
    try {
      if (test(env)) holds |= 1 << i;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      fails |= 1 << i;
    }
  }
  return { holds, fails };
}

function onBoth({ run, est }: Compiled, plan: MemoPlan): Ask {
  const slot = slotOf(plan.both, est);
  return ({ env, block, asked, holds }, need) => {
    const before = asked[slot] ?? 0;
    let found = holds[slot] ?? 0;
    let open = need & ~before;
    if (open === 0) return found & need;
    for (; open !== 0; open &= open - 1) {
      const bit = open & -open;
      moveTo(env, seatOf(block, bit));
      if (asBool(run(env))) found |= bit;
    }
    asked[slot] = before | need;
    holds[slot] = found;
    return found & need;
  };
}

export function askAnd(left: Ask, right: Ask): Ask {
  return (asking, need) => {
    const first = left(asking, need);
    return first === 0 ? 0 : right(asking, first);
  };
}

export function askOr(left: Ask, right: Ask): Ask {
  return (asking, need) => {
    const first = left(asking, need);
    const rest = need & ~first;
    return rest === 0 ? first : first | right(asking, rest);
  };
}

export function askNot(of: Ask): Ask {
  return (asking, need) => need & ~of(asking, need);
}

export function askIf(test: Ask, yes: Ask, no: Ask): Ask {
  return (asking, need) => {
    const first = test(asking, need);
    const rest = need & ~first;
    return (first === 0 ? 0 : yes(asking, first)) | (rest === 0 ? 0 : no(asking, rest));
  };
}
