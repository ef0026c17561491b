import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { MOST_KEPT, openJournal } from './journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-journal-'));
  return () => rmSync(folder, { recursive: true, force: true });
});
const done = (key: string) => ({ key, ok: true, value: { said: key } }) as const;
const file = (): string => join(folder, 'journal.jsonl');

test('J1, J2, J3: what began and what came of it outlive the process', () => {
  const first = openJournal(folder);
  expect(first.find('a')).toBe(undefined);
  first.begin('a');
  first.begin('b');
  expect(readFileSync(file(), 'utf8')).toContain('"b"');
  first.end(done('a'));
  // It is not closed: the process died. What it was writing was cut.
  appendFileSync(file(), '{"key":"c","resu');
  const second = openJournal(folder);
  expect([second.find('a'), second.find('b'), second.find('c')]).toEqual([done('a'), 'begun', undefined]);
  second.end(done('b'));
  second.close();
  const third = openJournal(folder);
  expect(third.find('b')).toEqual(done('b'));
  third.close();
  first.close();
});

test('it keeps the newest, and no more', () => {
  const journal = openJournal(folder);
  for (let i = 0; i <= MOST_KEPT; i++) journal.begin(`k${i}`);
  expect([journal.find('k0'), journal.find('k1')]).toEqual([undefined, 'begun']);
  journal.close();
  const again = openJournal(folder);
  expect([again.find('k0'), again.find('k1'), again.find(`k${MOST_KEPT}`)]).toEqual([undefined, 'begun', 'begun']);
  again.close();
});
