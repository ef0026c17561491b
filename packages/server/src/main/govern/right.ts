/**
 * Rights of first refusal as they are recorded: offers, answers, and who decided on them. What they come to is told by the state machine of
 * `contract/first-refusal.ts`, over what the configuration says and what counts of these. Pure.
 *
 * F3  A move that cannot be is refused, and nothing is recorded. While one waits for its second person there is no other.
 */
import { perdureError, type RightMoveKind, type RightMoveState, type RightState } from '@perdure/protocol';
import { checkFirstRefusals, refusalAt } from '../../contract/first-refusal.ts';
import { DAY_MS } from '../../contract/instant.ts';
import { dayOf } from '../../kernel/day.ts';
import type { FirstRefusal } from '../../placement/facts.ts';
import { decideOn, type Request, standing } from './request.ts';

/** Moves that are kept of one right. */
export const MAX_MOVES = 200;

/** Days in UTC. */
export interface Move extends Request {
  readonly kind: RightMoveKind;
  /** Null: all of them. */
  readonly product: string | null;
  readonly date: string;
  /** Of an offer: the last day on which it can be answered. */
  readonly deadline: string | null;
  readonly source: string;
  /** Of an answer: the index of the offer. */
  readonly answers: number | null;
  readonly retracted: { readonly by: string; readonly at: number } | null;
}

export interface Right {
  /** As clauses name it. */
  readonly id: string;
  readonly moves: readonly Move[];
}

export type NewMove = Pick<Move, 'kind' | 'product' | 'date' | 'deadline' | 'source'>;

const RIGHT_ID = /^[a-z0-9][a-z0-9.-]{0,63}$/;

/**
 * Rights are named as contracts and the configuration name them; no id of another record has this form.
 * @throws PerdureError invalid_request
 */
export function checkRightId(right: string): void {
  if (RIGHT_ID.test(right)) return;
  const message = 'The id of a right is at most 64 lower-case letters, digits, dots and dashes, as in azure-first.';
  throw perdureError('invalid_request', message, { param: 'right_id' });
}

/** @param now the real time, ms since 1970 */
export function moveState(move: Move, now: number): RightMoveState {
  if (move.retracted !== null) return 'retracted';
  const stands = standing(move, now);
  return typeof stands === 'number' ? 'counted' : stands;
}

/** What counts of a right, as decisions are told it. */
function factsOf({ id, moves }: Right, now: number): readonly FirstRefusal[] {
  return moves.flatMap((offer, index) => {
    if (offer.kind !== 'offer' || moveState(offer, now) !== 'counted') return [];
    const answer = moves.find(one => one.answers === index && moveState(one, now) === 'counted');
    const { product, date: offered, deadline, source } = offer;
    const kind = answer?.kind === 'accept' ? 'accepted' : 'declined';
    return [
      {
        id,
        product,
        offered,
        deadline: deadline ?? offered,
        answer: answer === undefined ? null : { kind, date: answer.date },
        source: answer === undefined ? source : `${source}; ${answer.source}`,
      },
    ];
  });
}

/** What a snapshot is given of the rights. */
export function refusalFacts(rights: readonly Right[], now: number): readonly FirstRefusal[] {
  return rights.flatMap(right => factsOf(right, now));
}

function conflict(message: string): never {
  throw perdureError('right_state_conflict', message);
}

function refuseWherePending({ id, moves }: Right, now: number): void {
  if (moves.some(move => moveState(move, now) === 'pending'))
    conflict(`The last move of ${id} waits for its second person: it is to be approved or rejected first.`);
}

/** @param configured offers and answers that the configuration says, which count too */
function checkFacts(right: Right, configured: readonly FirstRefusal[], now: number): void {
  const [problem] = checkFirstRefusals([...configured, ...factsOf(right, now)].filter(({ id }) => id === right.id));
  if (problem !== undefined) conflict(`This cannot be recorded: ${problem.message}.`);
}

/**
 * The right after a move.
 * @throws PerdureError right_state_conflict, right_not_found, invalid_request
 */
export function makeMove(right: Right, wanted: NewMove, request: Request, configured: readonly FirstRefusal[]): Right {
  const now = request.requestedAt;
  refuseWherePending(right, now);
  if (right.moves.length >= MAX_MOVES)
    throw perdureError('invalid_request', `At most ${MAX_MOVES} moves are kept of a right.`);
  const answers = wanted.kind === 'offer' ? null : offerFor(right, wanted, configured, now);
  const move: Move = { ...wanted, ...request, answers, retracted: null };
  // Checked as if it counted already: nobody is asked to approve what cannot be.
  checkFacts({ ...right, moves: [...right.moves, { ...move, expiresAt: null }] }, configured, now);
  return { ...right, moves: [...right.moves, move] };
}

/** The offer that an answer is to: the last one that counts, of just that product or of all. */
function offerFor(right: Right, { product }: NewMove, configured: readonly FirstRefusal[], now: number): number {
  const offers = right.moves.flatMap((move, index) =>
    move.kind === 'offer' && moveState(move, now) === 'counted' ? [{ index, product: move.product }] : [],
  );
  const last = offers.findLast(offer => offer.product === product);
  if (last !== undefined) {
    // The facts pair one answer with each offer: a second one must be seen here.
    const before = right.moves.find(({ answers }, i) => answers === last.index && counts(right, i, now));
    if (before !== undefined)
      conflict(`This cannot be recorded: ${right.id} is answered twice (on ${before.date}: ${before.kind}).`);
    return last.index;
  }
  if (configured.some(({ id }) => id === right.id))
    conflict(`${right.id} is offered by the configuration (first_refusals): its answer stands there too.`);
  const to = offers.map(offer => (offer.product === null ? 'all products' : `the product ${offer.product}`));
  if (to.length > 0)
    conflict(
      `${right.id} was offered for ${[...new Set(to)].join(' and ')}, and not for ${product ?? 'all products'}.`,
    );
  if (right.moves.length > 0)
    return conflict(`This cannot be recorded: ${right.id} is answered before it was offered.`);
  throw perdureError('right_not_found', `Nothing was offered under a right of first refusal '${right.id}'.`);
}

function counts({ moves }: Right, index: number, now: number): boolean {
  const move = moves[index];
  return move !== undefined && moveState(move, now) === 'counted';
}

/** @throws PerdureError not_pending, second_person_required, right_state_conflict if it can no longer be */
export function decideMove(
  right: Right,
  who: string,
  verdict: 'approved' | 'rejected',
  now: number,
  configured: readonly FirstRefusal[],
): Right {
  const last = right.moves.at(-1);
  if (last === undefined || last.retracted !== null)
    throw perdureError('not_pending', `No move of ${right.id} is pending.`);
  const after = { ...right, moves: [...right.moves.slice(0, -1), decideOn(last, who, verdict, now)] };
  if (verdict === 'approved') checkFacts(after, configured, now);
  return after;
}

/** Takes back the last move that counts or waits: what is left is what was before it, and so can be. */
export function retractMove(right: Right, who: string, now: number): Right {
  const index = right.moves.findLastIndex(move => ['counted', 'pending'].includes(moveState(move, now)));
  if (index < 0) throw perdureError('not_pending', `No move of ${right.id} counts any more.`);
  const moves = right.moves.map((move, i) => (i === index ? { ...move, retracted: { by: who, at: now } } : move));
  return { ...right, moves };
}

/**
 * The state of a right by product, at a time.
 * @param facts offers and answers of the configuration and of the store
 * @param at the time that contracts see, ms since 1970
 */
export function rightStates(facts: readonly FirstRefusal[], id: string, at: number): readonly RightState[] {
  const own = facts.filter(one => one.id === id);
  const products = [...new Set(own.map(({ product }) => product))].toSorted((a, b) => (a ?? '').localeCompare(b ?? ''));
  return products.map(product => {
    // No product is called '': only offers of all count for it.
    const now = refusalAt(own, id, product ?? '', at);
    return {
      product,
      state: now.state,
      since: 'since' in now ? dayOf(now.since) : null,
      until: 'until' in now ? dayOf(now.until - DAY_MS) : null,
    };
  });
}
