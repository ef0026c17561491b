import { expect, test } from 'vitest';
import {
  isSigned,
  MAX_AUTHORIZATION_CHARS,
  MAX_SIGNED_HEADERS,
  momentOf,
  parseAuthorization,
} from './authorization.ts';

const SIGNATURE = 'a'.repeat(64);
const headerOf = (over: { credential?: string; signed?: string; signature?: string } = {}): string =>
  `AWS4-HMAC-SHA256 Credential=${over.credential ?? 'PDRAX/20261101/us-east-1/bedrock-mantle/aws4_request'}, SignedHeaders=${over.signed ?? 'host;x-amz-date'}, Signature=${over.signature ?? SIGNATURE}`;

test('the header is taken apart', () => {
  expect(parseAuthorization(headerOf())).toEqual({
    accessKeyId: 'PDRAX',
    day: '20261101',
    region: 'us-east-1',
    service: 'bedrock-mantle',
    signedHeaders: ['host', 'x-amz-date'],
    signature: SIGNATURE,
  });
  // Some signers write no space behind the comma.
  expect(parseAuthorization(headerOf().replaceAll(', ', ','))).toEqual(parseAuthorization(headerOf()));
});

test.each([
  ['no algorithm', headerOf().slice('AWS4-HMAC-SHA256 '.length)],
  ['another algorithm', headerOf().replace('HMAC-SHA256', 'ECDSA-P256-SHA256')],
  ['a part twice', `${headerOf()}, Signature=${SIGNATURE}`],
  ['a part too few', headerOf().replace(', SignedHeaders=host;x-amz-date', '')],
  ['an unknown part', `${headerOf()}, Other=1`],
  ['a scope that is too short', headerOf({ credential: 'PDRAX/20261101/us-east-1/aws4_request' })],
  ['a scope that ends otherwise', headerOf({ credential: 'PDRAX/20261101/us-east-1/bedrock-mantle/aws5_request' })],
  ['a day that is none', headerOf({ credential: 'PDRAX/2026111/us-east-1/bedrock-mantle/aws4_request' })],
  ['signed headers out of order', headerOf({ signed: 'x-amz-date;host' })],
  ['a signed header twice', headerOf({ signed: 'host;host;x-amz-date' })],
  ['a signed header in upper case', headerOf({ signed: 'Host;x-amz-date' })],
  ['no signed header', headerOf({ signed: ';' })],
  ['a signature that is too short', headerOf({ signature: 'a'.repeat(63) })],
  ['a signature in upper case', headerOf({ signature: 'A'.repeat(64) })],
])('refused: %s', (_, header) => {
  expect(parseAuthorization(header)).toBeNull();
});

test('as many signed headers as may be, and one more', () => {
  const names = (count: number): string =>
    Array.from({ length: count }, (_, i) => `h${String(i).padStart(3, '0')}`).join(';');
  expect(parseAuthorization(headerOf({ signed: names(MAX_SIGNED_HEADERS) }))?.signedHeaders).toHaveLength(64);
  expect(parseAuthorization(headerOf({ signed: names(MAX_SIGNED_HEADERS + 1) }))).toBeNull();
});

test('as long as it may be, and one longer', () => {
  const padded = (length: number): string => headerOf().padEnd(length, ' ');
  expect(parseAuthorization(padded(MAX_AUTHORIZATION_CHARS))).not.toBeNull();
  expect(parseAuthorization(padded(MAX_AUTHORIZATION_CHARS + 1))).toBeNull();
});

test('who meant to sign is known, well or not', () => {
  expect(isSigned(headerOf())).toBe(true);
  expect(isSigned('aws4-hmac-sha256 nonsense')).toBe(true);
  expect(isSigned('Bearer pdr_x')).toBe(false);
  expect(isSigned(undefined)).toBe(false);
});

test('a moment is one of the calendar', () => {
  expect(momentOf('20261101T120000Z')).toBe(Date.UTC(2026, 10, 1, 12));
  for (const none of [
    '',
    '20261101',
    '20261131T120000Z',
    '20261101T250000Z',
    '2026-11-01T12:00:00Z',
    '20261101T120000',
  ])
    expect(momentOf(none), none).toBeNull();
});
