/** A seeded stream of choices, so that a failing run can be repeated: `--seed`. */
export interface Random {
  /** A whole number from `low` to `high`, both inclusive. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
  shuffled<T>(from: readonly T[]): T[];
  /** Letters and digits. */
  word(length: number): string;
}

const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  // Mulberry32: 32 bits of state are plenty for choosing where to kill.
  const draw = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(draw() * (high - low + 1));
  return {
    between,
    chance: probability => draw() < probability,
    pick: from => from[between(0, from.length - 1)] ?? from[0],
    shuffled(from) {
      const all = [...from];
      for (let i = all.length - 1; i > 0; i--) {
        const j = between(0, i);
        [all[i], all[j]] = [all[j] as (typeof all)[number], all[i] as (typeof all)[number]];
      }
      return all;
    },
    word: length => Array.from({ length }, () => LETTERS[between(0, LETTERS.length - 1)]).join(''),
  };
}
