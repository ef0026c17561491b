/** What is wrong with a value is told in the words of its schema, and not by a pattern, where there are some. */
import { expect, test } from 'vitest';
import type { Parsed } from './parse.ts';
import { parseAuditQuery } from './perdure/audit.ts';
import { parseCloseMonth } from './perdure/closes.ts';
import { parsePlacementQuery } from './perdure/placements.ts';
import { parseUsageQuery } from './perdure/usage.ts';

const MOMENT = 'must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z, in UTC';

test.each<[Parsed<unknown>, string]>([
  [parseCloseMonth({ month: '2026-1' }), "Invalid value for 'month': it must be a month as 2026-03."],
  [parseUsageQuery({ limit: ['abc'] }), "Invalid value for 'limit': it must be a whole number from 1 to 100."],
  [parseUsageQuery({ limit: ['101'] }), "Invalid value for 'limit': it must be a whole number from 1 to 100."],
  [parsePlacementQuery({ limit: ['1.5'] }), "Invalid value for 'limit': it must be a whole number from 1 to 100."],
  [parseAuditQuery({ from: ['yesterday'] }), `Invalid value for 'from': it ${MOMENT}.`],
  [parseAuditQuery({ from: ['2026-02-30'] }), `Invalid value for 'from': it ${MOMENT}.`],
  [
    parseAuditQuery({ kind: ['A-B'] }),
    "Invalid value for 'kind': it must be a kind as key, or an action as key.created.",
  ],
  // Where the schema has no words, the pattern is what there is.
  [parseAuditQuery({ after: ['x'] }), "Invalid value for 'after': it must match /^\\d{1,15}$/."],
])('%#', (parsed, message) => {
  expect(parsed.ok ? null : parsed.error.message).toBe(message);
});
