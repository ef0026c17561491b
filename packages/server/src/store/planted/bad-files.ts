/** Stores that keep rows of files badly. */
import type { Plant } from './plant.ts';

export const BAD_FILES: readonly Plant[] = [
  { name: 'files do not outlive the handle', reopen: data => data.files.clear() },
  {
    name: 'files of every tenant',
    spoil: (good, data) => ({ file: async (_tenant, id) => data.files.get(id) ?? null }),
  },
  {
    name: 'quotas that a file may pass',
    spoil: good => ({
      finishFile: (tenant, id, content, quota) =>
        good.finishFile(tenant, id, content, { bytes: quota.bytes + content.bytes, files: quota.files + 1 }),
    }),
  },
  {
    name: 'lists that hold what expired',
    spoil: good => ({ files: query => good.files({ ...query, now: 0 }) }),
  },
  {
    name: 'what is deleted keeps its name',
    spoil: (_good, data) => ({
      async doomFile(_tenant, id) {
        const row = data.files.get(id);
        if (row === undefined || row.status === 'doomed') return false;
        data.files.set(id, { ...row, status: 'doomed' });
        return true;
      },
    }),
  },
  {
    name: 'what is hidden is erased',
    spoil: good => ({ hideFile: (tenant, id) => good.doomFile(tenant, id) }),
  },
  {
    name: 'what is hidden is shown to those who sweep',
    spoil: (good, data) => ({
      unsettledFiles: async query => [
        ...(await good.unsettledFiles(query)),
        ...[...data.files.values()].filter(({ status }) => status === 'hidden'),
      ],
    }),
  },
  {
    name: 'what was begun is never swept',
    spoil: good => ({ unsettledFiles: query => good.unsettledFiles({ ...query, begunBefore: 0 }) }),
  },
  {
    name: 'erased payloads leave what they own',
    spoil: (good, data) => ({
      async append(append) {
        const before = new Map(data.files);
        const result = await good.append(append);
        for (const [id, row] of before) data.files.set(id, row);
        return result;
      },
    }),
  },
];
