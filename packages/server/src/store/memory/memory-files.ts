/** Rows of files on a plain map. */
import type { FileMark, FileRow, FileRows } from '../../engine/files/rows.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import { checkLimit } from '../bounds.ts';
import type { MemoryData } from './memory-data.ts';

const inOrder = (a: FileMark, b: FileMark): number =>
  a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export function filesOf(data: MemoryData, answer: <T>(work: () => T) => Promise<T>): FileRows {
  const find = (tenant: TenantId, id: string): FileRow | null => {
    const row = data.files.get(id);
    return row?.tenant === tenant && row.status !== 'doomed' && row.status !== 'hidden' ? row : null;
  };
  return {
    putFile: row =>
      answer(() => {
        if (data.files.has(row.id)) return false;
        data.files.set(row.id, structuredClone(row));
        return true;
      }),
    finishFile: (tenant, id, content, quota) =>
      answer(() => {
        const row = find(tenant, id);
        if (row?.status !== 'pending') return 'absent';
        const held = [...data.files.values()].filter(one => one.tenant === tenant && one.status === 'ready');
        if (held.length + 1 > quota.files) return 'too_many';
        if (held.reduce((sum, one) => sum + one.bytes, content.bytes) > quota.bytes) return 'too_much';
        data.files.set(id, { ...row, ...content, status: 'ready' });
        return 'done';
      }),
    file: (tenant, id) => answer(() => find(tenant, id)),
    files: ({ tenant, purpose, order, limit, after, now }) =>
      answer(() => {
        checkLimit(limit);
        const rows = [...data.files.values()].filter(
          row =>
            row.tenant === tenant &&
            row.status === 'ready' &&
            row.owner === null &&
            (purpose === null || row.purpose === purpose) &&
            (row.expiresAt === null || row.expiresAt > now) &&
            (after === null || (order === 'asc' ? row.id > after : row.id < after)),
        );
        rows.sort((a, b) => (a.id < b.id === (order === 'asc') ? -1 : 1));
        return rows.slice(0, limit);
      }),
    doomFile: (tenant, id) =>
      answer(() => {
        const row = data.files.get(id);
        if (row?.tenant !== tenant || row.status === 'doomed') return false;
        data.files.set(id, doomed(row));
        return true;
      }),
    hideFile: (tenant, id) =>
      answer(() => {
        const row = find(tenant, id);
        if (row?.status !== 'ready') return false;
        data.files.set(id, { ...row, status: 'hidden' });
        return true;
      }),
    hiddenFiles: ({ after, limit }) =>
      answer(() => {
        checkLimit(limit);
        const rows = [...data.files.values()].filter(
          row => row.status === 'hidden' && (after === null || inOrder(after, row) < 0),
        );
        return rows.sort(inOrder).slice(0, limit);
      }),
    forgetFile: (tenant, id) =>
      answer(() => {
        const row = data.files.get(id);
        if (row?.tenant === tenant && row.status === 'doomed') data.files.delete(id);
      }),
    unsettledFiles: ({ now, begunBefore, limit }) =>
      answer(() => {
        checkLimit(limit);
        return [...data.files.values()]
          .filter(
            ({ status, createdAt, expiresAt }) =>
              status === 'doomed' ||
              (status === 'pending' && createdAt < begunBefore) ||
              (status === 'ready' && expiresAt !== null && expiresAt <= now),
          )
          .slice(0, limit);
      }),
  };
}

function doomed(row: FileRow): FileRow {
  const erased = { purpose: '', filename: '', type: '', labels: [], digest: '', bytes: 0, expiresAt: null };
  return { ...row, ...erased, status: 'doomed' };
}

/** What the erased events of a session own goes with them. */
export function doomOwned(
  data: MemoryData,
  { session, after, before }: { readonly session: SessionId; readonly after: number; readonly before: number },
): void {
  for (const [id, row] of data.files)
    if (row.owner?.session === session && row.owner.seq > after && row.owner.seq < before)
      data.files.set(id, doomed(row));
}
