/** What is read of a placement's events as text is what parsing them says. */
import { expect, test } from 'vitest';
import type { SessionId } from '../../kernel/ids.ts';
import { CODEC_VERSION, encodeHead, EVENT_CODES } from '../../log/codec.ts';
import type { JsonObject } from '../../log/events.ts';
import type { Usage } from '../../log/places.ts';
import type { PlacementTexts } from '../../store/sqlite/messages.ts';
import { type PlacedText, placedText } from './placed.ts';

const RECORD: JsonObject = { v: 1, s: 'abc', t: 5, c: 'a', n: '"placement":{"v":1},"reserved":{' };
const WRITTEN: Usage = { input: 7, cached: 1, output: 3, reasoning: 2, written: 4 };
const USAGE: Usage = { input: 7, cached: 1, output: 3, reasoning: 2 };
const UPSTREAM = { response: '"call":9', request: null };

function headOf(call: number, chosen: string | null, placement: JsonObject = RECORD): string {
  const head = { call, purpose: 'turn', chosen, placement, reserved: { input: 1, output: 2 } };
  return encodeHead({ type: 'call.placed', head, payload: null });
}

function endOf(call: number, version: number = CODEC_VERSION, usage: Usage = USAGE): string {
  const rest = { outcome: 'completed' as const, reason: null, upstream: UPSTREAM, count: 1, calls: [] };
  return `${version} ${encodeHead({ type: 'call.completed', head: { call, usage, ...rest }, payload: null })}`;
}

function read(
  head: string,
  end: string | null,
  more: { readonly code?: number; readonly version?: number } = {},
): PlacedText {
  const { code = EVENT_CODES['call.placed'], version = CODEC_VERSION } = more;
  const sessions = ['sess_1' as SessionId];
  const texts: PlacementTexts = {
    positions: [1],
    ats: [1],
    sessions,
    codes: [code],
    versions: [version],
    heads: [head],
    ends: [end],
  };
  return placedText(texts, 0);
}

const recordIn = ({ text, start, end }: PlacedText): unknown => JSON.parse(text.slice(start, end));

test.each([
  ['the first call', 1, 'a', endOf(1), USAGE],
  ['a call that wrote to the cache', 1, 'a', endOf(1, CODEC_VERSION, WRITTEN), WRITTEN],
  ['a later call', 3, 'a', endOf(3), USAGE],
  ['a call whose end is not there yet', 2, 'a', endOf(1), null],
  ['a first call, and the end of a later one', 1, 'a', endOf(2), null],
  ['a call that is open', 1, 'a', null, null],
  ['a refusal', 1, null, endOf(1), null],
  ['a place with a strange name', 2, '"call":7,"placement":{', endOf(2), USAGE],
  [
    'a call that failed',
    1,
    'a',
    `1 ${encodeHead({
      type: 'call.failed',
      head: { call: 1, code: 'x', usage: USAGE, metered: 'bound', count: 0, upstream: UPSTREAM },
      payload: null,
    })}`,
    USAGE,
  ],
] as const)('%s', (_, call, chosen, end, usage) => {
  const placed = read(headOf(call, chosen), end);
  expect([recordIn(placed), placed.version, placed.usage]).toEqual([RECORD, 'abc', usage]);
});

test('a state, and records that do not begin as ours do', () => {
  const code = EVENT_CODES['state.placed'];
  const state = read(encodeHead({ type: 'state.placed', head: { placement: RECORD }, payload: null }), null, { code });
  expect([recordIn(state), state.version, state.usage]).toEqual([RECORD, 'abc', null]);
  for (const record of [{ s: 'abc', v: 1 }, { n: 'x' }, {}]) {
    const placed = read(headOf(2, 'a', record), endOf(2));
    expect([recordIn(placed), placed.version, placed.usage]).toEqual([record, record.s ?? '', USAGE]);
  }
});

test('what a newer version wrote is not read', () => {
  const newer = CODEC_VERSION + 1;
  expect(() => read(headOf(1, 'a'), endOf(1), { version: newer })).toThrow('newer');
  expect(() => read(headOf(1, 'a'), endOf(1, newer))).toThrow('newer');
  expect(() => read(headOf(2, 'a'), endOf(2, newer))).toThrow('newer');
});
