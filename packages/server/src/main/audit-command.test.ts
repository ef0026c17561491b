/** `perdure audit` on a data folder that no server uses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUDIT_LIMIT } from '@perdure/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HomeId } from '../kernel/ids.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import { perdure } from './cli/captured-io.test-support.ts';
import { auditEntry } from './govern/audit.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-audit-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});
const run = (...argv: readonly string[]) => perdure([...argv, '--data', dir], { cwd: dir });

test('shows who has the folder, and the name of the key that was made', async () => {
  expect((await run('keys', 'create', '--name', 'ci', '--without-admin')).code).toBe(0);
  const { out, code } = await run('audit', '--kind', 'key');
  expect(code).toBe(0);
  expect(out).toMatch(/ key\.created +local +key_\w+ +local +ci, inference read +-\n$/);
});

async function note(bodies: readonly object[]): Promise<void> {
  const store = await openSqliteHome({ dir, home: 'local' as HomeId, clock: { now: () => 1, monotonic: () => 1 } });
  for (const [at, body] of bodies.entries()) {
    const id = `hold_${at}`;
    const entry = auditEntry({ at: 1, actor: 'local', action: 'hold.placed', subject: id, tenant: null, body });
    await store.putRecord({ kind: 'hold', id, tenant: null, version: 1, body: '{}' }, entry);
  }
  await store.close();
}

test('asks page by page, and says how far it is', async () => {
  await note(Array.from({ length: AUDIT_LIMIT + 2 }, () => ({})));
  const { out, err } = await run('audit', '--kind', 'hold', '--limit', String(AUDIT_LIMIT + 1), '--json');
  const positions = out
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { position: number }).position);
  expect([positions.length, new Set(positions).size]).toEqual([AUDIT_LIMIT + 1, AUDIT_LIMIT + 1]);
  const [at, more] = err.trim().split('\n');
  expect(at).toBe(`${AUDIT_LIMIT} found up to position ${positions[AUDIT_LIMIT - 1] ?? 0}`);
  expect(more).toBe(`There are more: --after ${positions.at(-1) ?? 0}`);
});

test('what people wrote cannot steer the terminal, and is cut', async () => {
  await note([{ reason: '\u001b[2Jcleared\u202e' }, { reason: 'r'.repeat(60) }, { reason: 'r'.repeat(61) }]);
  const rows = (await run('audit', '--kind', 'hold')).out.split('\n');
  expect(rows[1]).toMatch(/ {2,} \[2Jcleared +-$/);
  expect(rows[2]).toContain(`  ${'r'.repeat(60)}  -`);
  expect(rows[3]).toContain(`  ${'r'.repeat(57)}...  -`);
});
