import { describe, expect, test } from 'vitest';
import { Claims, differs } from './claims.ts';
import { claimLine, row, styleFor, WIDTH, wrap } from './report.ts';

describe('wrap', () => {
  test('leaves what fits', () => {
    expect(wrap('x'.repeat(WIDTH), 4)).toBe('x'.repeat(WIDTH));
  });

  test('breaks at blanks, under the indent', () => {
    const lines = wrap('word '.repeat(60).trim(), 4).split('\n');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(WIDTH);
    expect(lines[1]).toMatch(/^ {4}word/);
  });

  test('leaves a word that fits nowhere as it is', () => {
    expect(wrap('x'.repeat(WIDTH + 1), 4)).toBe('x'.repeat(WIDTH + 1));
  });
});

describe('row', () => {
  test('aligns, and never joins two cells', () => {
    expect(row('turn 1', 'aws/us-east-1', 'why', 'what')).toBe(
      `${'turn 1'.padEnd(13)}${'aws/us-east-1'.padEnd(15)}${'why'.padEnd(45)}what`,
    );
    expect(row('a'.repeat(40), 'b')).toBe(`${'a'.repeat(40)}  b`);
  });
});

describe('claims', () => {
  test('an error of a check fails the claim, with its message', async () => {
    const told: string[] = [];
    const claims = new Claims(result => told.push(claimLine(result, styleFor(false))));
    await claims.check('a', 'this holds', async () => ({ text: 'A', evidence: {}, wrong: [] }));
    await claims.check('b', 'that holds', () => Promise.reject(new Error('the API is gone')));
    expect(told).toEqual(['  ✓ A\n', '  ✗ that holds\n    b: the API is gone\n']);
    expect(claims.failed.map(({ id }) => id)).toEqual(['b']);
    expect(() => claims.mustHold()).toThrow('a claim failed');
  });

  test('differences name both sides', () => {
    expect(differs('cloud', 'aws', 'aws')).toEqual([]);
    expect(differs('cloud', 'aws', 'azure')).toEqual(['cloud: expected "azure", found "aws"']);
    expect(differs('cloud', undefined, 'azure')).toEqual(['cloud: expected "azure", found nothing']);
  });
});

test('colour only where it is wanted', () => {
  expect(styleFor(false).bad('x')).toBe('x');
  expect(styleFor(true).bad('x')).toBe('\u001b[31mx\u001b[0m');
});
