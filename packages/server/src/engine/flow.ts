/**
 * Steps that flow: a source that has begun gives batch after batch to a function, by itself, instead of being pulled for each. What waits between two
 * batches of a stream is then one promise for all of it, and not a row of them for every piece: with hundreds of streams that is most of what a young
 * collection has to copy.
 *
 * F1  The same batches come, in the same order, as by pulling.
 * F2  Whoever has no room is given nothing until he has: the source stops reading.
 * F3  Whoever takes no more ends the source, as leaving a loop over it does.
 */
import type { Step } from '../log/steps.ts';

/** Takes a batch. A promise says that there is no room until it resolves. What it throws, or rejects with, says that no more is wanted. */
export type Take<T> = (batch: readonly T[]) => Promise<void> | undefined;
export type TakeSteps = Take<Step>;

export interface StepSource extends AsyncIterator<readonly Step[], undefined> {
  /** Gives what is left to `take`; resolves after the last. Not while a pull waits. Absent: it is pulled. */
  flow?(take: TakeSteps): Promise<void>;
}

/** Why a source was ended: by whoever takes its steps, and not by anything of its own. */
export class NotTaken extends Error {}

/** Gives what is left to `take`, in whichever way the source can. */
export function flowed(steps: StepSource, take: TakeSteps): Promise<void> {
  return steps.flow === undefined ? pulled(steps, take) : steps.flow(take);
}

async function pulled(steps: StepSource, take: TakeSteps): Promise<void> {
  for (let one = await steps.next(); one.done !== true; one = await steps.next()) await taken(steps, one.value, take);
}

/** Gives one batch that was pulled; lets go of its source if it is not taken. */
export async function taken(steps: StepSource, batch: readonly Step[], take: TakeSteps): Promise<void> {
  try {
    await take(batch);
  } catch (error) {
    await steps.return?.();
    throw error;
  }
}

/** Gives all steps to `take`. @throws what the source fails with, or what `take` did */
export async function deliver(steps: AsyncIterable<readonly Step[]>, take: TakeSteps): Promise<void> {
  const refused = (cause: unknown): never => {
    throw new NotTaken('no more is wanted', { cause });
  };
  try {
    await flowed(steps[Symbol.asyncIterator](), batch => {
      try {
        return take(batch)?.catch(refused);
      } catch (error) {
        return refused(error);
      }
    });
  } catch (error) {
    throw error instanceof NotTaken ? error.cause : error;
  }
}
