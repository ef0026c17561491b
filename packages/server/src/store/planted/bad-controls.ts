/** Stores that keep the records of the control home badly. */
import type { Plant } from './plant.ts';

export const BAD_CONTROLS: readonly Plant[] = [
  {
    name: 'records without their audit',
    spoil: (good, data) => ({
      async putRecord(record, entry) {
        const done = await good.putRecord(record, entry);
        if (done && record.version > 1) data.audit.pop();
        return done;
      },
    }),
  },
  {
    name: 'the last who changes a record wins',
    spoil: (good, data) => ({
      putRecord: (record, entry) =>
        good.putRecord({ ...record, version: (data.records.get(record.id)?.version ?? 0) + 1 }, entry),
    }),
  },
  {
    name: 'a loser is audited',
    spoil: (good, data) => ({
      async putRecord(record, entry) {
        const done = await good.putRecord(record, entry);
        if (!done) data.audit.push({ ...entry, position: data.audit.length + 1 });
        return done;
      },
    }),
  },
  {
    name: 'keys are revoked without a trace',
    spoil: (good, data) => ({
      async revokeKey(id, at, entry) {
        const done = await good.revokeKey(id, at, entry);
        if (done) data.audit.pop();
        return done;
      },
    }),
  },
  {
    name: 'positions of the audit come back',
    spoil: good => ({
      audit: async (after, limit) => (await good.audit(after, limit)).map(row => ({ ...row, position: 1 })),
    }),
  },
  {
    name: 'records of any size',
    spoil: (good, data) => ({
      async putRecord(record, entry) {
        if (record.version === 1) data.records.set(record.id, record);
        return good.putRecord(record, entry);
      },
    }),
  },
  {
    name: 'the deleted have an age',
    spoil: (good, data) => ({
      begunBefore: async ({ tenant, before }) =>
        [...data.responses.values()]
          .filter(one => one.tenant === tenant && one.row.createdAt < before)
          .map(({ row }) => row),
    }),
  },
  {
    name: 'what is to be erased is never done with',
    spoil: (_, data) => ({ unerased: async () => [...data.sessions.values()].map(({ row }) => row) }),
  },
  {
    name: 'the ended live',
    spoil: (good, data) => ({ living: async () => [...data.sessions.values()].map(one => one.row) }),
  },
];
