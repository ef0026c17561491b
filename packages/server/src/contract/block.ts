/** Places that are asked together: a place is a bit, and an answer is the bits of the places where it holds. */
import type { EntityValue, Env, Memo } from './value.ts';

/** A place as a contract keeps it: its entity, and what its clauses have found out about it alone. */
export interface Seat {
  readonly region: EntityValue;
  readonly memo: Memo;
}

/** Bits of a positive 32-bit integer. */
export const PLACES_A_BLOCK = 31;

export interface Known {
  readonly holds: number;
  /** Where the question cannot be answered. */
  readonly fails: number;
}

export interface Block {
  readonly seats: readonly Seat[];
  /** All their bits. */
  readonly all: number;
  /** What is known of them whatever the call, by slot. */
  readonly known: (Known | undefined)[];
}

export function blocksOf(seats: readonly Seat[]): readonly Block[] {
  const blocks: Block[] = [];
  for (let from = 0; from < seats.length; from += PLACES_A_BLOCK) {
    const some = seats.slice(from, from + PLACES_A_BLOCK);
    blocks.push({ seats: some, all: 2 ** some.length - 1, known: [] });
  }
  return blocks;
}

/** What a policy sees, while it goes from place to place. */
export type MovingEnv = { -readonly [Key in keyof Env]: Env[Key] };

/** A call that asks a block, and the answers so far, by slot: the places that were asked, and those where it holds. */
export interface Asking {
  readonly env: MovingEnv;
  readonly block: Block;
  readonly asked: number[];
  readonly holds: number[];
}

/** Of the places `need`, those where it holds. Throws `EvaluationError` if it fails at one of them. */
export type Ask = (asking: Asking, need: number) => number;

export function moveTo(env: MovingEnv, seat: Seat): void {
  env.resource = seat.region;
  env.placeMemo = seat.memo;
}

/** Of the lowest bit. */
export function indexOf(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** The seat of the lowest bit. */
export function seatOf({ seats }: Block, bits: number): Seat {
  const seat = seats[indexOf(bits)];
  if (seat === undefined) throw new Error(`a block of ${seats.length} places has none for ${bits}`);
  return seat;
}
