import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { ResourceChange, ResourceKind } from '../../engine/resources.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { makeResourceHandlers } from './resource-sql.ts';
import { MIGRATIONS } from './schema.ts';

const TENANT = 'acme' as TenantId;

test('what a row said before is to leave the file, unless nobody wrote it', () => {
  const db = new DatabaseSync(':memory:');
  for (const { sql } of MIGRATIONS) db.exec(sql);
  let erasures = 0;
  const { changeResources } = makeResourceHandlers(db, () => (erasures += 1));
  const put = (kind: ResourceKind, version: number): ResourceChange => {
    const row = { kind, tenant: TENANT, id: kind, parent: null, version, createdAt: 0, wakeAt: null, body: '{}' };
    return { op: 'put', row };
  };
  const after = (...changes: readonly ResourceChange[]): number => {
    erasures = 0;
    expect(changeResources({ changes, entry: null })).toBe(true);
    return erasures;
  };
  expect(after(put('agent', 1), put('cursor', 1))).toBe(0);
  expect(after(put('cursor', 2))).toBe(0);
  expect(after(put('cursor', 3), put('agent', 2))).toBe(1);
  expect(after({ op: 'remove', kind: 'agent', tenant: TENANT, id: 'agent', version: 2 })).toBe(1);
  db.close();
});
