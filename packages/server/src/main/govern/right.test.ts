/** Moves of a right of first refusal, as they are recorded: what can be, what counts, and for whom. */
import { describe, expect, test } from 'vitest';
import type { FirstRefusal } from '../../placement/facts.ts';
import { newRequest } from './request.ts';
import {
  decideMove,
  makeMove,
  MAX_MOVES,
  type NewMove,
  refusalFacts,
  retractMove,
  type Right,
  rightStates,
} from './right.ts';

const NOW = Date.UTC(2026, 4, 20, 12);
const HOUR = 3_600_000;
const NONE: Right = { id: 'first', moves: [] };

const offer = (more: Partial<NewMove> = {}): NewMove => ({
  kind: 'offer',
  product: null,
  date: '2026-04-28',
  deadline: '2026-05-09',
  source: 'a letter',
  ...more,
});
const answer = (kind: 'accept' | 'decline', date: string, more: Partial<NewMove> = {}): NewMove => ({
  kind,
  product: null,
  date,
  deadline: null,
  source: 'another letter',
  ...more,
});

/** @param second whether it waits for a second person, for an hour */
function move(right: Right, wanted: NewMove, second = false, configured: readonly FirstRefusal[] = []): Right {
  return makeMove(right, wanted, newRequest('key_ops', NOW, null, second ? NOW + HOUR : null), configured);
}

function made(...moves: readonly NewMove[]): Right {
  return moves.reduce((right, one) => move(right, one), NONE);
}

const at = (day: string): number => Date.parse(`${day}T00:00:00Z`);
const stateAt = (right: Right, when: number, product: string | null = null, now = NOW) =>
  rightStates(refusalFacts([right], now), 'first', when).find(one => one.product === product)?.state ?? 'none';
const conflict = (message: string) =>
  expect.objectContaining({ code: 'right_state_conflict', status: 409, message: expect.stringContaining(message) });

describe('an offer', () => {
  test('is open from its day to the end of that of its deadline, and then lapses', () => {
    const right = made(offer());
    expect(stateAt(right, at('2026-04-28') - 1)).toBe('none');
    expect(stateAt(right, at('2026-04-28'))).toBe('offered');
    expect(stateAt(right, at('2026-05-10') - 1)).toBe('offered');
    expect(stateAt(right, at('2026-05-10'))).toBe('lapsed');
    expect(rightStates(refusalFacts([right], NOW), 'first', NOW)).toEqual([
      { product: null, state: 'lapsed', since: '2026-05-10', until: null },
    ]);
  });

  test.each([
    ['accept', 'accepted'],
    ['decline', 'declined'],
  ] as const)('is answered on its own day and on the last: %s', (kind, state) => {
    for (const date of ['2026-04-28', '2026-05-09']) {
      const right = made(offer(), answer(kind, date));
      expect(stateAt(right, at(date) - 1)).toBe(date === '2026-04-28' ? 'none' : 'offered');
      expect(stateAt(right, at(date))).toBe(state);
    }
  });

  test('is not answered before it, or after its deadline', () => {
    expect(() => made(offer(), answer('decline', '2026-04-27'))).toThrow(conflict('answered before it was offered'));
    expect(() => made(offer(), answer('decline', '2026-05-10'))).toThrow(conflict('answered after its deadline'));
  });

  test('is answered once', () => {
    const right = made(offer(), answer('decline', '2026-05-01'));
    expect(() => move(right, answer('accept', '2026-05-02'))).toThrow(
      conflict('answered twice (on 2026-05-01: decline)'),
    );
    expect(() => move(right, answer('decline', '2026-05-01'))).toThrow(conflict('answered twice'));
  });

  test('is made again once it is settled, and not while it is open', () => {
    const again = offer({ date: '2026-05-09', deadline: '2026-05-30' });
    expect(() => made(offer(), again)).toThrow(conflict('offered again while the offer before is open'));
    expect(stateAt(made(offer(), answer('decline', '2026-05-08'), again), NOW)).toBe('offered');
    expect(stateAt(made(offer(), { ...again, date: '2026-05-10' }), NOW)).toBe('offered');
    const second = made(offer(), answer('decline', '2026-05-08'), again, answer('accept', '2026-05-12'));
    expect([stateAt(second, at('2026-05-08')), stateAt(second, NOW)]).toEqual(['declined', 'accepted']);
  });

  test('of one product says nothing of another', () => {
    const right = made(offer({ product: 'frontier' }), answer('decline', '2026-05-01', { product: 'frontier' }));
    expect([stateAt(right, NOW, 'frontier'), stateAt(right, NOW, 'api')]).toEqual(['declined', 'none']);
    expect(() => made(offer({ product: 'frontier' }), answer('decline', '2026-05-01'))).toThrow(
      conflict('first was offered for the product frontier, and not for all products'),
    );
  });

  test('that nobody made is not answered', () => {
    expect(() => made(answer('decline', '2026-05-01'))).toThrow(expect.objectContaining({ code: 'right_not_found' }));
    const gone = retractMove(made(offer()), 'key_ops', NOW);
    expect(() => move(gone, answer('decline', '2026-05-01'))).toThrow(conflict('answered before it was offered'));
  });

  test('of the configuration is answered there, and counts', () => {
    const said: FirstRefusal = {
      id: 'first',
      product: null,
      offered: '2026-04-28',
      deadline: '2026-05-09',
      answer: null,
      source: 's',
    };
    expect(() => move(NONE, answer('decline', '2026-05-01'), false, [said])).toThrow(
      conflict('offered by the configuration'),
    );
    expect(() => move(NONE, offer(), false, [said])).toThrow(conflict('offered again while'));
    expect(move(NONE, offer(), false, [{ ...said, id: 'other' }]).moves).toHaveLength(1);
  });

  test('has its bound: so many moves are kept of a right', () => {
    const filler = made(offer()).moves[0];
    if (filler === undefined) throw new Error('no move');
    const rejected = { ...filler, decided: { by: 'key_second', at: NOW, verdict: 'rejected' as const } };
    const full = (count: number): Right => ({ ...NONE, moves: Array.from({ length: count }, () => rejected) });
    expect(move(full(MAX_MOVES - 1), offer()).moves).toHaveLength(MAX_MOVES);
    expect(() => move(full(MAX_MOVES), offer())).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});

describe('where a second person is asked for', () => {
  const pending = move(made(offer()), answer('decline', '2026-05-01'), true);

  test('a move counts once another approved it', () => {
    expect(stateAt(pending, at('2026-05-01'))).toBe('offered');
    expect(() => decideMove(pending, 'key_ops', 'approved', NOW, [])).toThrow(
      expect.objectContaining({ code: 'second_person_required' }),
    );
    const approved = decideMove(pending, 'key_second', 'approved', NOW, []);
    expect(stateAt(approved, at('2026-05-01'))).toBe('declined');
    expect(() => decideMove(approved, 'key_second', 'approved', NOW, [])).toThrow(
      expect.objectContaining({ code: 'not_pending' }),
    );
  });

  test('there is no other while it waits; once it is rejected there is', () => {
    expect(() => move(pending, answer('accept', '2026-05-01'))).toThrow(conflict('waits for its second person'));
    const rejected = decideMove(pending, 'key_second', 'rejected', NOW, []);
    expect(stateAt(rejected, at('2026-05-01'))).toBe('offered');
    expect(stateAt(move(rejected, answer('accept', '2026-05-01')), at('2026-05-01'))).toBe('accepted');
  });

  test('it can be approved until its time, and then no more; another can be made then', () => {
    expect(decideMove(pending, 'key_second', 'approved', NOW + HOUR - 1, []).moves).toHaveLength(2);
    expect(() => decideMove(pending, 'key_second', 'approved', NOW + HOUR, [])).toThrow('it is expired');
    const later = makeMove(pending, answer('accept', '2026-05-02'), newRequest('key_ops', NOW + HOUR, null, null), []);
    expect(stateAt(later, at('2026-05-02'), null, NOW + HOUR)).toBe('accepted');
  });

  test('what can no longer be when it is approved is refused', () => {
    const waiting = move(NONE, offer(), true);
    const said: FirstRefusal = {
      id: 'first',
      product: null,
      offered: '2026-05-01',
      deadline: '2026-05-03',
      answer: null,
      source: 's',
    };
    expect(() => decideMove(waiting, 'key_second', 'approved', NOW, [said])).toThrow(conflict('offered again'));
    expect(decideMove(waiting, 'key_second', 'rejected', NOW, [said]).moves).toHaveLength(1);
  });
});

test('what is retracted is the last move that counts or waits; the state is what it was before', () => {
  const right = made(offer(), answer('decline', '2026-05-01'));
  const open = retractMove(right, 'key_second', NOW);
  expect(stateAt(open, at('2026-05-01'))).toBe('offered');
  expect(open.moves[1]?.retracted).toEqual({ by: 'key_second', at: NOW });
  const never = retractMove(open, 'key_second', NOW);
  expect(stateAt(never, at('2026-05-01'))).toBe('none');
  expect(() => retractMove(never, 'key_second', NOW)).toThrow(expect.objectContaining({ code: 'not_pending' }));
  expect(() => decideMove(never, 'key_second', 'approved', NOW, [])).toThrow(
    expect.objectContaining({ code: 'not_pending' }),
  );
  expect(stateAt(retractMove(move(NONE, offer(), true), 'key_ops', NOW), NOW)).toBe('none');
});
