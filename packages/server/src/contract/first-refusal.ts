/**
 * A right of first refusal: something is offered to its holder first, who accepts or declines by a deadline, or lets it lapse. Pure; a
 * clause asks for the state (`context.call.firstRefusal`).
 *
 * F1. An offer that is open cannot be made again; one that is settled can.
 * F2. An answer counts once, and only while the offer is open. Silence is no answer: it lapses.
 */
import { DAY_MS, datetimeMs } from './instant.ts';

/** One offer, as it is recorded. Days in UTC. */
export interface FirstRefusal {
  /** Of the right, as clauses name it. */
  readonly id: string;
  /** The product that was offered; null: all of them. */
  readonly product: string | null;
  readonly offered: string;
  /** The last day on which it can be answered. */
  readonly deadline: string;
  readonly answer: { readonly kind: 'accepted' | 'declined'; readonly date: string } | null;
  readonly source: string;
}

export const REFUSAL_STATES = ['offered', 'accepted', 'declined', 'lapsed'] as const;

/** Moments are ms since 1970. */
export type RefusalState =
  | { readonly state: 'none' }
  /** `until` is exclusive. */
  | { readonly state: 'offered'; readonly until: number }
  | { readonly state: 'accepted' | 'declined' | 'lapsed'; readonly since: number };

export type RefusalInput =
  | { readonly kind: 'offer'; readonly at: number; readonly until: number }
  | { readonly kind: 'accept' | 'decline'; readonly at: number };

export const NOT_OFFERED: RefusalState = { state: 'none' };

/** The state once time has gone on to `at`. */
export function lapse(state: RefusalState, at: number): RefusalState {
  return state.state === 'offered' && at >= state.until ? { state: 'lapsed', since: state.until } : state;
}

/** The state after an input, which comes no earlier than all before it; a text says why it cannot be. */
export function advance(before: RefusalState, input: RefusalInput): RefusalState | string {
  const state = lapse(before, input.at);
  if (input.kind === 'offer') {
    if (state.state === 'offered') return 'is offered again while the offer before is open';
    if (input.until <= input.at) return 'has a deadline before its offer';
    return { state: 'offered', until: input.until };
  }
  switch (state.state) {
    case 'none':
      return 'is answered before it was offered';
    case 'lapsed':
      return 'is answered after its deadline';
    case 'accepted':
    case 'declined':
      return 'is answered twice';
    case 'offered':
      return { state: input.kind === 'accept' ? 'accepted' : 'declined', since: input.at };
  }
}

interface DatedInput {
  readonly input: RefusalInput;
  /** Of the list that it came from. */
  readonly index: number;
}

/** Every input of the right to a product, in order of time. Days that are none are left out: whoever reads them reports that. */
function inputsOf(refusals: readonly FirstRefusal[], id: string, product: string | null): DatedInput[] {
  const inputs: DatedInput[] = [];
  for (const [index, one] of refusals.entries()) {
    if (one.id !== id || (one.product !== null && one.product !== product)) continue;
    const at = datetimeMs(one.offered);
    const deadline = datetimeMs(one.deadline);
    if (at === null || deadline === null) continue;
    inputs.push({ input: { kind: 'offer', at, until: deadline + DAY_MS }, index });
    const answered = one.answer === null ? null : datetimeMs(one.answer.date);
    if (one.answer === null || answered === null) continue;
    inputs.push({ input: { kind: one.answer.kind === 'accepted' ? 'accept' : 'decline', at: answered }, index });
  }
  return inputs.toSorted((a, b) => a.input.at - b.input.at || a.index - b.index);
}

/** The state of a right to a product at a time. An input that cannot be leaves the state as it was. */
export function refusalAt(refusals: readonly FirstRefusal[], id: string, product: string, at: number): RefusalState {
  let state = NOT_OFFERED;
  for (const { input } of inputsOf(refusals, id, product)) {
    if (input.at > at) break;
    const next = advance(state, input);
    if (typeof next !== 'string') state = next;
  }
  return lapse(state, at);
}

export interface RefusalProblem {
  /** In the list. */
  readonly index: number;
  readonly message: string;
}

/** What cannot be among offers and answers, each told once. */
export function checkFirstRefusals(refusals: readonly FirstRefusal[]): readonly RefusalProblem[] {
  const problems = new Map<string, RefusalProblem>();
  for (const { id, product } of refusals) {
    let state = NOT_OFFERED;
    for (const { input, index } of inputsOf(refusals, id, product)) {
      const next = advance(state, input);
      if (typeof next !== 'string') state = next;
      else problems.set(`${index} ${next}`, { index, message: `${id} ${next}` });
    }
  }
  return [...problems.values()];
}
