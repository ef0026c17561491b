/** Stores that keep journals, projections and what is of the home badly. */
import type { KeyRow } from '../../engine/ports.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { MemoryData } from '../memory/memory-data.ts';
import { ACME, NOON, RIVAL } from '../sample.ts';
import type { Plant } from './plant.ts';

function owner(data: MemoryData, session: string, otherwise: TenantId): TenantId {
  for (const [id, { row }] of data.sessions) if (id === session) return row.tenant;
  return otherwise;
}

export const BAD_HOMES: readonly Plant[] = [
  {
    name: 'release not kept: acknowledged, but gone when the store is opened again',
    reopen(data) {
      for (const session of data.sessions.values()) session.journal = [];
    },
  },
  {
    name: 'heads that skip what was not shown',
    spoil: (good, data) => ({
      heads: async query => ({ rows: (await good.heads(query)).rows, to: data.order }),
    }),
  },
  {
    name: 'heads of every kind',
    spoil: good => ({ heads: query => good.heads({ ...query, codes: [1, 2, 3, 4, 5, 6, 7, 8] }) }),
  },
  { name: 'release not kept at all', spoil: () => ({ release: async () => true }) },
  {
    name: 'journals mixed: steps of one session show in another',
    spoil: (good, data) => ({
      async release(release) {
        const kept = await good.release(release);
        for (const session of data.sessions.values())
          if (session.row.session !== release.session) session.journal.push(release);
        return kept;
      },
    }),
  },
  {
    name: 'prune ignored',
    spoil: good => ({ append: append => good.append({ ...append, prune: false }) }),
  },
  {
    name: 'prune of losers: steps go though the append lost',
    spoil: (good, data) => ({
      async append(append) {
        const result = await good.append(append);
        const session = data.sessions.get(append.session);
        if (append.prune && session !== undefined) session.journal = [];
        return result;
      },
    }),
  },
  {
    name: 'foreign tenant visible: reads look at the id alone',
    spoil: (good, data) => ({
      session: (tenant, session) => good.session(owner(data, session, tenant), session),
      events: range => good.events({ ...range, tenant: owner(data, range.session, range.tenant) }),
    }),
  },
  {
    name: 'foreign response visible',
    spoil: (good, data) => ({ response: async (_, id) => data.responses.get(id)?.row ?? null }),
  },
  {
    name: 'foreign session writable',
    spoil: (good, data) => ({
      release: release => good.release({ ...release, tenant: owner(data, release.session, release.tenant) }),
    }),
  },
  {
    name: 'response ids can be used again once deleted',
    spoil: (good, data) => ({
      append(append) {
        for (const [id, { deleted }] of data.responses) if (deleted) data.responses.delete(id);
        return good.append(append);
      },
    }),
  },
  {
    name: 'runs are found by their first position only',
    spoil: good => ({ runs: async range => (await good.runs(range)).filter(run => run.position >= range.from) }),
  },
  {
    name: 'deleted items are not marked',
    spoil: good => ({ runs: async range => (await good.runs(range)).map(run => ({ ...run, deleted: [] })) }),
  },
  { name: 'bases are not kept', spoil: () => ({ runByBase: async () => null }) },
  {
    name: 'placements by session, not by commit',
    spoil: good => ({
      placements: async query =>
        (await good.placements(query)).toSorted((a, b) => (a.session + a.seq < b.session + b.seq ? -1 : 1)),
    }),
  },
  { name: 'a tenant is forgotten', spoil: good => ({ tenants: async () => (await good.tenants()).slice(1) }) },
  {
    name: 'the log of placements begins anew on every page',
    spoil: good => ({ placementLog: query => good.placementLog({ ...query, after: null }) }),
  },
  {
    name: 'a placement has the first end of its session, not its own',
    spoil: good => ({
      async placementLog(query) {
        const log = await good.placementLog(query);
        const first = new Map(log.toReversed().map(one => [one.session, one.end]));
        return log.map(one => ({ ...one, end: first.get(one.session) ?? null }));
      },
    }),
  },
  {
    name: 'a placement was caused by who began its session',
    spoil: (good, data) => ({
      placementLog: async query =>
        (await good.placementLog(query)).map(one => ({
          ...one,
          by: data.sessions.get(one.session)?.events[0]?.actor ?? '',
        })),
    }),
  },
  {
    name: 'a placement is looked for up to the end of its session',
    spoil: good => ({ placed: query => good.placed({ ...query, to: Number.MAX_SAFE_INTEGER }) }),
  },
  {
    name: 'a placement is looked for from the beginning of its session',
    spoil: good => ({ placed: query => good.placed({ ...query, from: 1 }) }),
  },
  {
    name: 'a placement is looked for among the first events of its turn',
    spoil: good => ({ placed: query => good.placed({ ...query, to: Math.min(query.to, query.from + 64) }) }),
  },
  {
    name: 'any call of a turn is as good as another',
    spoil: good => ({
      placed: query =>
        good.placed({
          ...query,
          placed: query.placed.type === 'call.placed' ? { type: 'call.placed', call: 1 } : query.placed,
        }),
    }),
  },
  {
    name: 'L10: a placement is shown to whoever asks',
    spoil: good => ({
      async placed(query) {
        const found = await Promise.all([ACME, RIVAL].map(tenant => good.placed({ ...query, tenant })));
        return found.find(one => one !== null) ?? null;
      },
    }),
  },
  {
    name: 'an ended fork needs nothing, whoever was forked from it',
    spoil: (good, data) => ({
      async retained(tenant, session) {
        const kept = await good.retained(tenant, session);
        return { ...kept, forks: kept.forks.filter(({ child }) => data.sessions.get(child)?.row.ended !== true) };
      },
    }),
  },
  { name: 'open sessions are not paged', spoil: good => ({ open: (_, limit) => good.open(null, limit) }) },
  {
    name: 'a rebuild leaves old projections',
    spoil: (good, data) => ({
      async reproject(from) {
        const runs = data.sessions.get(from.session)?.runs ?? [];
        const done = await good.reproject(from);
        data.sessions.get(from.session)?.runs.push(...runs);
        return done;
      },
    }),
  },
  {
    name: 'the outbox misses an event now and then',
    spoil: good => ({ outbox: async (after, limit) => (await good.outbox(after, limit)).slice(0, 2) }),
  },
  { name: 'the outbox is not trimmed', spoil: () => ({ outboxTrim: async () => {} }) },
  {
    name: 'documents are lost',
    reopen(data) {
      data.documents.clear();
    },
  },
  {
    name: 'leases by the wall clock',
    spoil: (good, data, clock) => ({
      ownerRemaining: async who => Math.max(0, (data.leases.get(who)?.until ?? 0) - clock.now()),
    }),
  },
  {
    name: 'leases are forgotten',
    reopen(data) {
      data.leases.clear();
    },
  },
  { name: 'revoked keys are good', spoil: (good, data) => ({ revokeKey: async id => data.keys.has(id) }) },
  {
    name: 'keys are found by their beginning',
    spoil: (good, data) => ({
      keyByHash: async hash => [...data.keys.values()].find((key: KeyRow) => key.hash[0] !== hash) ?? null,
    }),
  },
  { name: 'a slot is given to all who ask', spoil: () => ({ reserve: async () => 'reserved' }) },
  {
    name: 'a slot is settled by who does not hold it',
    spoil: (good, data) => ({
      settle: (slot, _id, outcome) => {
        const held = [...data.slots].find(([text]) => text.includes(slot.key) && text.includes(slot.principal));
        return good.settle(slot, held?.[1].id ?? '', outcome);
      },
    }),
  },
  {
    name: 'slots never expire',
    spoil: good => ({ reserve: (slot, row) => good.reserve(slot, row, Math.min(0, NOON)) }),
  },
  { name: 'finds fault with a sound store', spoil: () => ({ check: async () => ['something is wrong'] }) },
  { name: 'answers after it was closed', spoil: () => ({ close: async () => {} }) },
  {
    name: 'keeps steps of any size',
    spoil: (good, data) => ({
      release: async ({ session, ...rest }) => (data.sessions.get(session)?.journal.push(rest), true),
    }),
  },
];
