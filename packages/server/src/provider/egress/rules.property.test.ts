import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPrivate, isPublic } from '../transport/address.ts';
import { checkUrl, type EgressRules } from './rules.ts';

const PUBLIC: EgressRules = {
  mode: 'public',
  hosts: [],
  privateHosts: [],
  types: ['*/*'],
  maxBytes: 1_000,
  timeoutMs: 1_000,
  redirects: 3,
};

/** Networks that are not public, by their first address and the bits of it that count. */
const NETWORKS: readonly (readonly [first: number, bits: number])[] = [
  [0x00000000, 8],
  [0x0a000000, 8],
  [0x64400000, 10],
  [0x7f000000, 8],
  [0xa9fe0000, 16],
  [0xac100000, 12],
  [0xc0a80000, 16],
  [0xe0000000, 4],
];

const hidden = fc
  .tuple(fc.constantFrom(...NETWORKS), fc.nat())
  .map(([[first, bits], random]) => first + (random % 2 ** (32 - bits)));

const bytesOf = (address: number): readonly number[] =>
  [24, 16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256);
const words = (address: number): readonly string[] => [
  Math.floor(address / 65_536).toString(16),
  (address % 65_536).toString(16),
];

/** The ways in which one address can be written. */
const FORMS: readonly ((address: number) => string)[] = [
  address => bytesOf(address).join('.'),
  address => String(address),
  address => `0x${address.toString(16)}`,
  address => `0${address.toString(8)}`,
  address =>
    bytesOf(address)
      .map(byte => `0x${byte.toString(16)}`)
      .join('.'),
  address =>
    bytesOf(address)
      .map(byte => `0${byte.toString(8)}`)
      .join('.'),
  address => `${bytesOf(address)[0]}.${address % 2 ** 24}`,
  address => `${bytesOf(address).join('.')}.`,
  address => `[::ffff:${bytesOf(address).join('.')}]`,
  address => `[::${words(address).join(':')}]`,
  address => `[64:ff9b::${words(address).join(':')}]`,
  address => `[2002:${words(address).join(':')}::]`,
];

test('no address that is not public is asked, however it is written', () => {
  fc.assert(
    fc.property(hidden, fc.constantFrom(...FORMS), fc.constantFrom('http', 'https'), (address, form, scheme) => {
      const url = `${scheme}://${form(address)}/x`;
      expect(() => checkUrl(url, PUBLIC), url).toThrow(expect.objectContaining({ code: 'egress_denied' }));
    }),
  );
});

test('a private address is none of the public ones, and no wildcard makes it so', () => {
  fc.assert(
    fc.property(hidden, address => {
      const text = bytesOf(address).join('.');
      expect(isPublic(text) && isPrivate(text)).toBe(false);
      const rules: EgressRules = { ...PUBLIC, mode: 'allow-list', hosts: [text] };
      expect(() => checkUrl(`http://${text}/`, rules)).toThrow(expect.objectContaining({ code: 'egress_denied' }));
    }),
  );
});
