/** PROTOCOL.md says what the code does. `UPDATE_PROTOCOL=1` writes its tables anew; without it they are compared. */
import { readFileSync, writeFileSync } from 'node:fs';
import { ERRORS } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { EVENT_CODES } from './log/codec.ts';
import type { EventType } from './log/events.ts';
import type { Phase } from './session/state.ts';
import { TABLE } from './session/table.ts';

const DOCUMENT = new URL('../../../PROTOCOL.md', import.meta.url);

function statesTable(): string {
  const phases = Object.keys(TABLE) as Phase[];
  const events = Object.keys(EVENT_CODES) as EventType[];
  const rows = events.map(
    event => `| \`${event}\` | ${phases.map(phase => (TABLE[phase][event] ? 'x' : '')).join(' | ')} |`,
  );
  return [
    `| | ${phases.map(phase => phase.replaceAll('_', ' ')).join(' | ')} |`,
    `|---|${phases.map(() => ':-:').join('|')}|`,
    ...rows,
  ].join('\n');
}

function errorsTable(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, type, next, summary }]) => `| \`${code}\` | ${status} | ${type} | ${next} | ${summary} |`,
  );
  return ['| code | HTTP | type | next | |', '|---|---|---|---|---|', ...rows].join('\n');
}

/** The document with the table between its markers. */
function withTable(text: string, name: string, table: string): string {
  const [open, close] = [`<!-- table:${name} -->\n`, `<!-- /table:${name} -->`];
  const from = text.indexOf(open);
  const to = text.indexOf(close);
  if (from < 0 || to < from) throw new Error(`PROTOCOL.md has no place for the table ${name}`);
  return `${text.slice(0, from + open.length)}${table}\n${text.slice(to)}`;
}

test.each([
  ['states', statesTable],
  ['errors', errorsTable],
])('PROTOCOL.md holds the table of %s as the code has it', (name, table) => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const wanted = withTable(text, name, table());
  if (process.env['UPDATE_PROTOCOL'] !== undefined) writeFileSync(DOCUMENT, wanted);
  else expect(text).toBe(wanted);
});

test('a table that lost a row is noticed', () => {
  const text = readFileSync(DOCUMENT, 'utf8').replace(/^\| `store_full`.*\n/m, '');
  expect(text).not.toBe(withTable(text, 'errors', errorsTable()));
});
