/**
 * A reading that is supposed of placements that were decided on several sets of contracts. What was decided on a set without it stays as it was
 * recorded; of one of them at least there must be such a reading. The command and the route say so in the same words.
 */
import { didYouMean } from '@perdure/protocol';
import type { Contract } from '../../contract/contract.ts';

export interface ReadingProblem {
  readonly message: string;
  /** What was meant, perhaps. */
  readonly near: string | null;
}

export class SupposedReading {
  readonly #reading: string | null;
  readonly #offered = new Set<string>();
  #seen = 0;

  /** @param reading null: none is supposed */
  constructor(reading: string | null) {
    this.#reading = reading;
  }

  /** Whether what was decided on these contracts stays as it was recorded. They are taken note of. */
  staysOn(contracts: readonly Contract[]): boolean {
    const has = contracts.flatMap(contract => contract.readings.map(({ id }) => id));
    for (const reading of has) this.#offered.add(reading);
    this.#seen += 1;
    return this.#reading !== null && !has.includes(this.#reading);
  }

  /** Null if there is such a reading, or nothing was seen. */
  problem(): ReadingProblem | null {
    const reading = this.#reading;
    if (reading === null || this.#seen === 0 || this.#offered.has(reading)) return null;
    const there = [...this.#offered].toSorted().join(', ') || 'none';
    return {
      message: `no contract that these placements were decided on has it (there are: ${there})`,
      near: didYouMean(reading, this.#offered),
    };
  }
}

/** Null if it could be supposed of all. @param of how many are told of before */
export function staysWords(count: number, reading: string | null): string | null {
  if (count === 0) return null;
  const stay = count === 1 ? 'stays as it was' : 'stay as they were';
  return `${count.toLocaleString('en-US')} of them ${stay} recorded: their contracts have no reading ${reading ?? '-'}`;
}
