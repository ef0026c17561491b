/**
 * Some of the contracts that placements were decided on, supposed of several sets of them. What was decided on a set that does not have them all stays
 * as it was recorded, as it does without a reading that is supposed; of one set at least it must be possible.
 */
import { didYouMean } from '@perdure/protocol';

export class SupposedContracts {
  readonly #wanted: readonly string[];
  readonly #there = new Set<string>();
  #sets = 0;
  #fits = 0;

  /** @param wanted null: all of each set */
  constructor(wanted: readonly string[] | null) {
    this.#wanted = wanted ?? [];
  }

  /** Those that a set does not have, by their ids. The set is taken note of. */
  lackingOf(set: readonly string[]): readonly string[] {
    for (const id of set) this.#there.add(id);
    const lacks = this.#wanted.filter(id => !set.includes(id));
    this.#sets += 1;
    if (lacks.length === 0) this.#fits += 1;
    return lacks;
  }

  /** In words; null if a set has them all, or none was seen. */
  problem(): string | null {
    if (this.#sets === 0 || this.#fits > 0) return null;
    const there = `(there are: ${[...this.#there].toSorted().join(', ') || 'none'})`;
    const unknown = this.#wanted.find(id => !this.#there.has(id));
    if (unknown === undefined)
      return `No set of contracts that these placements were decided on has all of ${this.#wanted.join(', ')} ${there}.`;
    const near = didYouMean(unknown, this.#there);
    const meant = near === null ? '' : ` Did you mean ${near}?`;
    return `No contract that these placements were decided on is called '${unknown}' ${there}.${meant}`;
  }
}

/** Null if they could be supposed of all. @param lacks what one set or another did not have */
export function lackingWords(count: number, lacks: readonly string[]): string | null {
  if (count === 0) return null;
  const stay = count === 1 ? 'stays as it was' : 'stay as they were';
  return `${count.toLocaleString('en-US')} of them ${stay} recorded: their contracts lack ${[...new Set(lacks)].toSorted().join(', ')}`;
}
