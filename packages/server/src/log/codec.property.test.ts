import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CODEC_VERSION,
  decodeEnvelope,
  decodeEvent,
  encodeHead,
  envelopeText,
  EVENT_CODES,
  LogCodecError,
  type StoredEvent,
} from './codec.ts';
import { EVENT_TYPES, EVENTS, place } from './event.test-support.ts';
import type { EventBody, EventPlace } from './events.ts';

function stored(at: EventPlace, body: EventBody): StoredEvent {
  const payload = body.payload === null ? null : JSON.stringify(body.payload);
  const { seq, epoch, actor } = at;
  const head = encodeHead(body);
  const salt = payload === null ? null : new Uint8Array(16);
  const digest = new Uint8Array(createHash('sha256').update(head).digest());
  return {
    seq,
    epoch,
    at: at.at,
    actor,
    code: EVENT_CODES[body.type],
    version: CODEC_VERSION,
    head,
    payload,
    salt,
    payloadDigest: null,
    digest,
  };
}

describe.each(EVENT_TYPES)('%s', type => {
  test('reads as it was written', () => {
    fc.assert(
      fc.property(place, EVENTS[type], (at, body) => {
        const { tenant, session } = at;
        const event = decodeEvent({ tenant, session }, stored(at, body));
        expect(event).toEqual({ ...at, type: body.type, head: body.head, payload: body.payload });
        // Written again it says the same, though its fields may come in another order: digests are over the stored text alone.
        expect(JSON.parse(encodeHead(event as EventBody))).toEqual(JSON.parse(encodeHead(body)));
      }),
      { numRuns: 40 },
    );
  });

  test('L13: without its payload it keeps its envelope', () => {
    fc.assert(
      fc.property(place, EVENTS[type], (at, body) => {
        const { tenant, session } = at;
        const whole = stored(at, body);
        const erased = { ...whole, payload: null, salt: null };
        expect(decodeEnvelope({ tenant, session }, erased)).toEqual(decodeEnvelope({ tenant, session }, whole));
        expect(decodeEvent({ tenant, session }, erased).payload).toBeNull();
      }),
      { numRuns: 20 },
    );
  });
});

test('the chain digests all of the envelope: a change anywhere in it changes the text', () => {
  const any = fc.constantFrom(...EVENT_TYPES).chain(type => fc.tuple(place, EVENTS[type]));
  fc.assert(
    fc.property(any, any, fc.stringMatching(/^[0-9a-f]{64}$/), ([one, first], [two, second], digest) => {
      const text = (at: EventPlace, body: EventBody, payload: string): string =>
        envelopeText(at, { version: CODEC_VERSION, code: EVENT_CODES[body.type], head: encodeHead(body) }, payload);
      const same = JSON.stringify([one, first.type, first.head]) === JSON.stringify([two, second.type, second.head]);
      expect(text(one, first, digest) === text(two, second, digest)).toBe(same);
      expect(text(one, first, digest)).not.toBe(text(one, first, ''));
      for (const change of [
        { tenant: 'other' as EventPlace['tenant'] },
        { session: 'sess_other' as EventPlace['session'] },
        { seq: one.seq + 1 },
        { epoch: one.epoch + 1 },
        { at: one.at + 1 },
        { actor: 'other' },
      ])
        expect(text({ ...one, ...change }, first, digest)).not.toBe(text(one, first, digest));
    }),
  );
});

test('a code that no type has, or a version yet to come, is refused by name; every known one is read', () => {
  const at = { tenant: 'acme', session: 'sess_1' } as Pick<EventPlace, 'tenant' | 'session'>;
  const codes = new Set<number>(Object.values(EVENT_CODES));
  const event = (code: number, version: number): StoredEvent => ({
    ...stored(
      { ...at, seq: 7, epoch: 1, at: 0, actor: 'engine' },
      { type: 'session.claimed', head: { owner: 'a' }, payload: null },
    ),
    code,
    version,
  });
  fc.assert(
    fc.property(fc.integer({ min: -5, max: 60 }), fc.nat(CODEC_VERSION + 2), (code, version) => {
      const read = (): unknown => decodeEnvelope(at, event(code, version));
      if (codes.has(code) && version <= CODEC_VERSION) expect(read).not.toThrow();
      else expect(read).toThrow(LogCodecError);
    }),
  );
  expect(() => decodeEnvelope(at, event(99, CODEC_VERSION))).toThrow('event 7 has the unknown type 99');
  expect(() => decodeEnvelope(at, event(3, CODEC_VERSION + 1))).toThrow(
    'event 7 was written by a newer version (2 > 1)',
  );
});
