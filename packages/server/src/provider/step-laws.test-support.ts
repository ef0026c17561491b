/** P1 to P3 of log/steps.ts, as a check that can be put to any steps. */
import { isCallType, type Step } from '../log/steps.ts';

/**
 * The first law that the steps break, or null.
 * @param whole whether the answer ended well, so that an end must be there
 */
export function brokenLaw(steps: readonly Step[], whole: boolean): string | null {
  let index = -1;
  let type: string | null = null;
  let part = -1;
  let open = false;
  for (const [at, step] of steps.entries()) {
    const say = (law: string) => `${law} at step ${at}: ${JSON.stringify(step)}`;
    if (step.type === 'end') {
      if (type !== null) return say('P1 an item is open at the end');
      return at === steps.length - 1 ? null : say('P3 the end is not last');
    }
    if (step.type === 'item') {
      if (type !== null) return say('P1 an item began inside another');
      if (step.index !== ++index) return say('P1 indexes have a gap');
      type = step.item.type;
      part = -1;
      open = false;
      continue;
    }
    if (type === null || step.index !== index) return say('P1 a step lies outside its item');
    if (step.type === 'item_done') {
      if (open) return say('P2 a part is open');
      type = null;
    } else if (isCallType(type)) {
      if (step.type !== 'delta' || step.part !== 0) return say('P2 a call has parts');
    } else if (step.type === 'part') {
      if (open || step.part !== part + 1) return say('P2 a part began out of order');
      part = step.part;
      open = true;
    } else {
      if (!open || step.part !== part) return say('P2 a step lies outside its part');
      if (step.type === 'part_done') open = false;
    }
  }
  return whole ? 'P3 there is no end' : null;
}
