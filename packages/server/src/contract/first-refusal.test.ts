import { describe, expect, test } from 'vitest';
import {
  advance,
  checkFirstRefusals,
  type FirstRefusal,
  lapse,
  NOT_OFFERED,
  type RefusalInput,
  type RefusalState,
  refusalAt,
} from './first-refusal.ts';

const UNTIL = 100;
const STATES: Readonly<Record<RefusalState['state'], RefusalState>> = {
  none: NOT_OFFERED,
  offered: { state: 'offered', until: UNTIL },
  accepted: { state: 'accepted', since: 10 },
  declined: { state: 'declined', since: 10 },
  lapsed: { state: 'lapsed', since: 10 },
};
const INPUTS: Readonly<Record<RefusalInput['kind'], RefusalInput>> = {
  offer: { kind: 'offer', at: 50, until: 200 },
  accept: { kind: 'accept', at: 50 },
  decline: { kind: 'decline', at: 50 },
};

/** The state after each input; a text says why it cannot come. */
const TABLE: Readonly<Record<RefusalState['state'], Readonly<Record<RefusalInput['kind'], string>>>> = {
  none: {
    offer: 'offered',
    accept: 'is answered before it was offered',
    decline: 'is answered before it was offered',
  },
  offered: { offer: 'is offered again while the offer before is open', accept: 'accepted', decline: 'declined' },
  accepted: { offer: 'offered', accept: 'is answered twice', decline: 'is answered twice' },
  declined: { offer: 'offered', accept: 'is answered twice', decline: 'is answered twice' },
  lapsed: { offer: 'offered', accept: 'is answered after its deadline', decline: 'is answered after its deadline' },
};

describe('every state and every input', () => {
  const cells = Object.entries(TABLE).flatMap(([state, row]) =>
    Object.entries(row).map(([input, expected]) => [state, input, expected] as const),
  );
  test.each(cells)('%s, %s: %s', (state, input, expected) => {
    const after = advance(STATES[state as keyof typeof STATES], INPUTS[input as keyof typeof INPUTS]);
    expect(typeof after === 'string' ? after : after.state).toBe(expected);
  });
});

test('an offer is open up to its deadline and not at it', () => {
  const open = STATES.offered;
  expect(lapse(open, UNTIL - 1)).toEqual(open);
  expect(lapse(open, UNTIL)).toEqual({ state: 'lapsed', since: UNTIL });
  expect(advance(open, { kind: 'accept', at: UNTIL - 1 })).toEqual({ state: 'accepted', since: UNTIL - 1 });
  expect(advance(open, { kind: 'accept', at: UNTIL })).toBe('is answered after its deadline');
  expect(advance(open, { kind: 'offer', at: UNTIL, until: UNTIL + 1 })).toMatchObject({ state: 'offered' });
  expect(advance(open, { kind: 'offer', at: UNTIL, until: UNTIL })).toBe('has a deadline before its offer');
});

function offered(more: Partial<FirstRefusal> = {}): FirstRefusal {
  const days = { offered: '2026-05-01', deadline: '2026-05-10' };
  return { id: 'first', product: null, ...days, answer: null, source: 'a letter', ...more };
}
const declined = { kind: 'declined', date: '2026-05-10' } as const;
const at = (day: string, offset = 0): number => Date.parse(`${day}T00:00:00Z`) + offset;

describe('as recorded', () => {
  const states = (list: readonly FirstRefusal[], product: string, ...times: number[]) =>
    times.map(time => refusalAt(list, 'first', product, time).state);

  test('the deadline is the last day on which it can be answered', () => {
    const silent = [offered()];
    const answered = [offered({ answer: declined })];
    expect(
      states(silent, 'api', at('2026-05-01', -1), at('2026-05-01'), at('2026-05-11', -1), at('2026-05-11')),
    ).toEqual(['none', 'offered', 'offered', 'lapsed']);
    expect(states(answered, 'api', at('2026-05-10', -1), at('2026-05-10'), at('2027-01-01'))).toEqual([
      'offered',
      'declined',
      'declined',
    ]);
  });

  test('what was offered of one product says nothing of another', () => {
    const list = [offered({ product: 'frontier', answer: declined })];
    expect(states(list, 'frontier', at('2026-06-01'))).toEqual(['declined']);
    expect(states(list, 'api', at('2026-06-01'))).toEqual(['none']);
  });

  test('the last offer counts, in whatever order they are listed', () => {
    const again = offered({
      offered: '2026-06-01',
      deadline: '2026-06-10',
      answer: { kind: 'accepted', date: '2026-06-02' },
    });
    for (const list of [
      [offered({ answer: declined }), again],
      [again, offered({ answer: declined })],
    ]) {
      expect(states(list, 'api', at('2026-05-20'), at('2026-06-01'), at('2026-06-02'))).toEqual([
        'declined',
        'offered',
        'accepted',
      ]);
      expect(checkFirstRefusals(list)).toEqual([]);
    }
  });

  test.each<[string, readonly FirstRefusal[], string]>([
    ['late', [offered({ answer: { kind: 'accepted', date: '2026-05-11' } })], 'first is answered after its deadline'],
    [
      'early',
      [offered({ answer: { kind: 'accepted', date: '2026-04-30' } })],
      'first is answered before it was offered',
    ],
    ['backwards', [offered({ deadline: '2026-04-30' })], 'first has a deadline before its offer'],
    [
      'while open',
      [offered(), offered({ product: 'api', offered: '2026-05-10', deadline: '2026-05-20' })],
      'first is offered again while the offer before is open',
    ],
  ])('%s cannot be, and changes nothing', (_, list, message) => {
    expect(checkFirstRefusals(list).map(one => one.message)).toEqual([message]);
    expect(['none', 'lapsed', 'offered']).toContain(refusalAt(list, 'first', 'api', at('2026-05-15')).state);
  });

  test('offered and settled on the same day', () => {
    const oneDay = {
      offered: '2026-05-01',
      deadline: '2026-05-01',
      answer: { kind: 'accepted', date: '2026-05-01' },
    } as const;
    expect(checkFirstRefusals([offered(oneDay)])).toEqual([]);
    expect(states([offered(oneDay)], 'api', at('2026-05-01'))).toEqual(['accepted']);
  });
});
