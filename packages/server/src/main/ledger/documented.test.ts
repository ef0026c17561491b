/** The guide's table of leaves is the code's: every kind with every event that makes it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { auditLeafKind, LEAF_KINDS } from '../../ledger/leaf.ts';

const guide = readFileSync(new URL('../../../../../docs/ledger.md', import.meta.url), 'utf8');
const table = guide.slice(guide.indexOf('| kind '), guide.indexOf('The first three are events of sessions'));
const quoted = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
const rows = table.split('\n').flatMap(line => {
  const [, kinds = '', makers = ''] = line.split('|');
  return quoted(kinds).length === 0 ? [] : [{ kinds: quoted(kinds), makers: quoted(makers) }];
});

test('every kind that an event makes is in the table, with all its events and no other', () => {
  const documented = rows.filter(({ kinds }) => kinds.some(kind => Object.hasOwn(LEAF_KINDS, kind)));
  expect(Object.fromEntries(documented.map(({ kinds, makers }) => [kinds.join(), makers]))).toEqual(LEAF_KINDS);
});

test('every change of the audit that the table names makes a leaf of that kind', () => {
  const changes = rows.flatMap(({ kinds, makers }) =>
    kinds.some(kind => Object.hasOwn(LEAF_KINDS, kind) || kind === 'key') ? [] : makers.map(one => ({ kinds, one })),
  );
  expect(changes.length).toBeGreaterThan(5);
  for (const { kinds, one } of changes)
    expect([one, kinds]).toEqual([one, expect.arrayContaining([auditLeafKind(one)])]);
});
