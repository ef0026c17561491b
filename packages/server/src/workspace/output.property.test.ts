import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { boundedOutput } from './output.ts';

const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 60 });
const most = fc.integer({ min: 2, max: 200 });

function take(all: readonly Uint8Array[], bound: number) {
  const output = boundedOutput(bound);
  for (const part of all) output.add(part);
  return output;
}

it('keeps everything that fits, as it came', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (text, size) => {
      const bytes = Buffer.from(text.replaceAll('\0', ''));
      const all = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(take(all, bytes.length + 1).text()).toBe(bytes.toString());
    }),
  );
});

it('counts all, holds its bound, and says how much is left out', () => {
  fc.assert(
    fc.property(parts, most, (all, bound) => {
      const ascii = all.map(part => part.map(byte => (byte % 95) + 32));
      const whole = Buffer.concat(ascii).toString('latin1');
      const output = take(ascii, bound);
      expect(output.printed).toBe(whole.length);
      if (whole.length <= bound) expect(output.text()).toBe(whole);
      else {
        const left = `\n[${whole.length - bound} bytes left out]\n`;
        expect(output.text()).toBe(
          `${whole.slice(0, Math.ceil(bound / 2))}${left}${whole.slice(whole.length - Math.floor(bound / 2))}`,
        );
      }
    }),
  );
});

it('cuts no character in two', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('é', '€', '😀', 'a'), { maxLength: 200 }), most, (letters, bound) => {
      const text = letters.join('');
      expect(take([Buffer.from(text)], bound).text()).not.toContain('�');
    }),
  );
});
