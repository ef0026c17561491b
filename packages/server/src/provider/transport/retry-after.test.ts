import { expect, test } from 'vitest';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from './retry-after.ts';

const NOW = Date.parse('2026-03-20T12:00:00Z');

test.each([
  [{ 'retry-after': '2' }, 2000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after-ms': '250' }, 250],
  [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
  [{ 'retry-after': 'Fri, 20 Mar 2026 12:00:07 GMT' }, 7000],
  [{ 'retry-after': 'Fri, 20 Mar 2026 11:00:00 GMT' }, 0],
  [{ 'retry-after': '600' }, MAX_RETRY_AFTER_MS],
  [{ 'retry-after': '601' }, MAX_RETRY_AFTER_MS],
  [{ 'retry-after': '599' }, 599_000],
  [{ 'retry-after': 'Fri, 20 Mar 2099 12:00:00 GMT' }, MAX_RETRY_AFTER_MS],
  [{ 'retry-after': 'soon' }, null],
  [{ 'retry-after': '-1' }, null],
  [{ 'retry-after': '1e9' }, null],
  [{ 'retry-after': '2026' }, 600_000],
  [{}, null],
])('%j -> %s ms', (headers, expected) => {
  expect(retryAfterMs(headers, NOW)).toBe(expected);
});
