import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { newVaultKey, seal, sealJson, unseal, unsealJson, VAULT_KEY_BYTES } from './envelope.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const key = fc.uint8Array({ minLength: VAULT_KEY_BYTES, maxLength: VAULT_KEY_BYTES });

test('what is sealed opens with its key and its place, and is never sealed alike twice', () => {
  fc.assert(
    fc.property(key, bytes, fc.string(), (master, secret, about) => {
      const sealed = seal(master, secret, about);
      expect(new Uint8Array(unseal(master, sealed, about))).toEqual(secret);
      expect(seal(master, secret, about)).not.toBe(sealed);
    }),
  );
});

test('a change of any byte is noticed', () => {
  fc.assert(
    fc.property(
      key,
      bytes,
      fc.string(),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (master, secret, about, at, by) => {
        const changed = Buffer.from(seal(master, secret, about), 'base64url');
        const index = at % changed.length;
        changed[index] = (changed[index] ?? 0) ^ by;
        expect(() => unseal(master, changed.toString('base64url'), about)).toThrow('a sealed secret was changed');
      },
    ),
  );
});

test('a change of any character, an end that is missing, or more at the end is noticed', () => {
  fc.assert(
    fc.property(
      key,
      bytes,
      fc.nat(),
      fc.constantFrom('A', 'Z', 'a', '0', '9', '-', '_', '+', '/', '=', ' '),
      (master, secret, at, char) => {
        const sealed = seal(master, secret, 'here');
        const index = at % sealed.length;
        const other = `${sealed.slice(0, index)}${char}${sealed.slice(index + 1)}`;
        const wrong = [other, sealed.slice(0, index), `${sealed}${char}`].filter(one => one !== sealed);
        for (const one of wrong) expect(() => unseal(master, one, 'here')).toThrow('a sealed secret was changed');
      },
    ),
  );
});

test('another key or another place opens nothing, and the error tells nothing', () => {
  fc.assert(
    fc.property(key, key, fc.string(), fc.string(), (master, other, about, elsewhere) => {
      const sealed = sealJson(master, { secret: 'hush' }, about);
      expect(unsealJson(master, sealed, about)).toEqual({ secret: 'hush' });
      const wrong: (() => unknown)[] = [];
      if (Buffer.compare(master, other) !== 0) wrong.push(() => unsealJson(other, sealed, about));
      if (about !== elsewhere) wrong.push(() => unsealJson(master, sealed, elsewhere));
      for (const one of wrong) expect(one).toThrow(/^a sealed secret was changed, or belongs elsewhere/);
    }),
  );
});

test('keys are drawn anew', () => {
  const keys = Array.from({ length: 100 }, () => Buffer.from(newVaultKey()).toString('hex'));
  expect(new Set(keys).size).toBe(100);
  expect(keys.every(one => one.length === VAULT_KEY_BYTES * 2)).toBe(true);
});
