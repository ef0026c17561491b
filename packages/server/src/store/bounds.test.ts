import { expect, test } from 'vitest';
import { checkAppend, checkLimit, checkRange, MAX_ROWS_READ, MAX_SEQ } from './bounds.ts';
import { nextAppend, sampleSession } from './sample.ts';
import { StoreMisuse } from './store-error.ts';

test('a log may reach the highest seq, and not pass it', () => {
  const session = { ...sampleSession('a'), seq: MAX_SEQ - 1, epoch: 1 };
  expect(() => checkAppend(nextAppend(session, ['last']))).not.toThrow();
  expect(() => checkAppend(nextAppend(session, ['last', 'beyond']))).toThrow(StoreMisuse);
});

test('an epoch may reach the highest number, and neither pass it nor go back', () => {
  const session = { ...sampleSession('a'), seq: 1, epoch: MAX_SEQ - 1 };
  const at =
    (epoch: number): (() => void) =>
    () =>
      checkAppend(nextAppend(session, ['x'], [], { epoch }));
  expect(at(MAX_SEQ)).not.toThrow();
  expect(at(MAX_SEQ + 1)).toThrow(StoreMisuse);
  expect(at(MAX_SEQ - 2)).toThrow(StoreMisuse);
});

test('digests and salts have their lengths, and a payload has its salt', () => {
  const append = nextAppend(sampleSession('a'), ['x']);
  const bent =
    (change: object): (() => void) =>
    () =>
      checkAppend({ ...append, events: append.events.map(event => ({ ...event, ...change })) });
  expect(bent({})).not.toThrow();
  expect(bent({ digest: new Uint8Array(31) })).toThrow(StoreMisuse);
  expect(bent({ payloadDigest: new Uint8Array(33) })).toThrow(StoreMisuse);
  expect(bent({ salt: new Uint8Array(15) })).toThrow(StoreMisuse);
  expect(bent({ salt: null })).toThrow(StoreMisuse);
  expect(bent({ payload: null })).toThrow(StoreMisuse);
});

test('limits and ranges are whole numbers within their bounds', () => {
  for (const limit of [1, MAX_ROWS_READ]) expect(() => checkLimit(limit)).not.toThrow();
  for (const limit of [0, MAX_ROWS_READ + 1, 1.5, Number.NaN]) expect(() => checkLimit(limit)).toThrow(StoreMisuse);
  expect(() => checkRange({ from: 0, to: 0, limit: 1 })).not.toThrow();
  expect(() => checkRange({ from: -1, limit: 1 })).toThrow(StoreMisuse);
});
