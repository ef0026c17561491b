/** Stores that keep the log badly. */
import type { Append, AppendResult } from '../../engine/ports.ts';
import type { HomeStore } from '../home-store.ts';
import { appendTo } from '../memory/memory-append.ts';
import type { MemoryData } from '../memory/memory-data.ts';
import type { Plant } from './plant.ts';

const OK: AppendResult = { ok: true };

function standing(data: MemoryData, append: Append): Append {
  const row = data.sessions.get(append.session)?.row;
  return { ...append, expectedSeq: row?.seq ?? 0, expectedEpoch: row?.epoch ?? 0 };
}

/** Applies appends of one tick together, in an order of its own. */
function inOrder(arrange: (appends: Append[]) => Append[]) {
  return (good: HomeStore): Partial<HomeStore> => {
    let waiting: { append: Append; resolve: (result: Promise<AppendResult>) => void }[] = [];
    const flush = (): void => {
      const batch = waiting;
      waiting = [];
      const order = arrange(batch.map(({ append }) => append));
      for (const append of order) batch.find(one => one.append === append)?.resolve(good.append(append));
    };
    return {
      append: append =>
        new Promise(resolve => {
          waiting.push({ append, resolve });
          if (waiting.length === 1) setTimeout(flush, 0);
        }),
    };
  };
}

export const BAD_LOGS: readonly Plant[] = [
  {
    name: 'lost tail: the last append of each session is not there when the store is opened again',
    reopen(data) {
      for (const session of data.sessions.values()) session.events.pop();
    },
  },
  {
    name: 'lost row: the session row goes back when the store is opened again',
    reopen(data) {
      for (const session of data.sessions.values()) session.row = { ...session.row, seq: session.row.seq - 1 };
    },
  },
  {
    name: 'partial batch: the last of several events is not kept',
    spoil: (good, data) => ({
      append: async append =>
        append.events.length > 1
          ? appendTo(data, { ...append, events: append.events.slice(0, -1) })
          : good.append(append),
    }),
  },
  { name: 'reordered: appends of one tick take effect backwards', spoil: inOrder(appends => appends.toReversed()) },
  {
    name: 'reordered events: read back newest first',
    spoil: good => ({ events: async range => (await good.events(range)).toReversed() }),
  },
  { name: 'slow: an append never answers', silent: true, spoil: () => ({ append: () => new Promise(() => {}) }) },
  {
    name: 'duplicated append accepted',
    spoil: good => ({
      async append(append) {
        const result = await good.append(append);
        return result.ok || result.reason !== 'conflict' ? result : OK;
      },
    }),
  },
  {
    name: 'seq ignored: an append goes wherever the log ends',
    spoil: (_, data) => ({ append: async append => appendTo(data, standing(data, append)) }),
  },
  {
    name: 'fence ignored: an old epoch may append at the right seq',
    spoil: (good, data) => ({
      async append(append) {
        const fresh = standing(data, append);
        return good.append(
          fresh.expectedSeq === append.expectedSeq ? { ...append, expectedEpoch: fresh.expectedEpoch } : append,
        );
      },
    }),
  },
  {
    name: 'fence blurred: a fenced writer is told of a conflict',
    spoil: good => ({
      async append(append) {
        const result = await good.append(append);
        return result.ok ? result : { ok: false, reason: 'conflict' };
      },
    }),
  },
  {
    name: 'release fence ignored: an old epoch may show steps',
    spoil: (good, data) => ({
      release: release =>
        good.release({ ...release, epoch: data.sessions.get(release.session)?.row.epoch ?? release.epoch }),
    }),
  },
  {
    name: 'loser leaves a trace: what it wrote before it lost stays',
    spoil: (good, data) => ({
      async append(append) {
        const result = await good.append(append);
        if (!result.ok && result.reason === 'response_exists')
          appendTo(data, { ...append, changes: append.changes.filter(change => change.type !== 'response_opened') });
        return result;
      },
    }),
  },
  {
    name: 'cross-session damage: a loser takes the end of the session before it along',
    spoil(good, data) {
      let before: Append | null = null;
      return {
        async append(append) {
          const result = await good.append(append);
          if (!result.ok && before !== null && before.session !== append.session)
            data.sessions.get(before.session)?.events.pop();
          before = append;
          return result;
        },
      };
    },
  },
  {
    name: 'erased payload still readable',
    spoil: good => ({
      append: append =>
        good.append({ ...append, changes: append.changes.filter(change => change.type !== 'payloads_erased') }),
    }),
  },
  {
    name: 'erased too much: whole events go',
    spoil: (good, data) => ({
      async append(append) {
        const result = await good.append(append);
        if (append.changes.some(change => change.type === 'payloads_erased'))
          data.sessions.get(append.session)?.events.splice(1, 1);
        return result;
      },
    }),
  },
  {
    name: 'erased too much: what was said beside the erasure',
    spoil: good => ({
      append: append =>
        good.append({
          ...append,
          changes: append.changes.map(one =>
            one.type === 'payloads_erased' ? { ...one, before: append.row.seq + 1 } : one,
          ),
        }),
    }),
  },
  {
    name: 'salts are not kept',
    spoil: good => ({ events: async range => (await good.events(range)).map(event => ({ ...event, salt: null })) }),
  },
  {
    name: 'payload digests die with their payloads',
    spoil: good => ({
      events: async range =>
        (await good.events(range)).map(event => (event.payload === null ? { ...event, payloadDigest: null } : event)),
    }),
  },
  {
    name: 'ranges are open at their end',
    spoil: good => ({
      events: range => good.events({ ...range, ...(range.to !== undefined && { to: range.to - 1 }) }),
    }),
  },
  { name: 'no bounds: nonsense is kept', spoil: (_, data) => ({ append: async append => appendTo(data, append) }) },
  {
    name: 'a log begins anywhere',
    spoil: (good, data) => ({
      append: async append =>
        data.sessions.has(append.session)
          ? good.append(append)
          : appendTo(data, { ...append, expectedSeq: 0, expectedEpoch: 0 }),
    }),
  },
];
