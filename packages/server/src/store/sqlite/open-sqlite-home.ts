/** A home in one SQLite file: this thread asks, a writer's and a reader's thread do. No SQL runs here, so a disk that hangs stops nobody else. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import type { HomeId } from '../../kernel/ids.ts';
import { checkAppend, checkChanges, checkLease, checkLimit, checkRange, checkRecord, checkRelease } from '../bounds.ts';
import type { HomeStore } from '../home-store.ts';
import { LeaseBook } from '../lease-book.ts';
import { StoreMisuse } from '../store-error.ts';
import { LastingLink, type LifeSigns } from './lasting-link.ts';
import { packAppend, type ReaderOps, type WorkerSetup, type WriterOps } from './messages.ts';
import { RestingReader } from './resting-reader.ts';
import { WorkerLink } from './worker-link.ts';

export interface SqliteHomeOptions {
  /** The data folder; made if it is not there. */
  readonly dir: string;
  /** Names the file: letters, digits, `-`, `_` and `.`, at most 64, the first no dot. */
  readonly home: HomeId;
  readonly clock: Clock;
  /** The data folder's lock is held: no other process lives, so every lease in the file is void. */
  readonly exclusive?: boolean;
  /** Told when a thread of the home ends by itself, and when it is back. In between the home answers `store_unavailable`. */
  readonly signs?: LifeSigns;
  /** Pages that the file may have; beyond them it is full. */
  readonly maxPages?: number;
  /** What the write-ahead log may hold while the home is busy, bytes. Bounds how long an opening after a crash takes. */
  readonly logBytes?: number;
}

const HOME_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
/** ms that an orderly close may take before the threads are ended. What was answered is safe either way. */
const CLOSE_MS = 5000;

/**
 * @throws StoreError `store_newer`, `store_corrupt`, `store_locked`, `store_unavailable`
 * @throws StoreMisuse if the home's name cannot name a file
 */
export async function openSqliteHome(options: SqliteHomeOptions): Promise<HomeStore> {
  const setup = await setupOf(options);
  const signs = options.signs ?? { died: () => undefined, revived: () => undefined };
  const writer = await LastingLink.open<WriterOps>('writer', setup, signs);
  const reader = new RestingReader({ writer, open: () => LastingLink.open<ReaderOps>('reader', setup, signs), signs });
  return homeOver(options, setup, writer, reader);
}

async function setupOf({ dir, home, clock, maxPages, logBytes }: SqliteHomeOptions): Promise<WorkerSetup> {
  if (!HOME_NAME.test(home)) throw new StoreMisuse(`${JSON.stringify(home)} cannot name a home's file`);
  const synchronous = process.env['PERDURE_UNSAFE_SYNCHRONOUS'] === 'off' ? 'OFF' : 'FULL';
  if (synchronous === 'OFF')
    process.stderr.write(
      'PERDURE_UNSAFE_SYNCHRONOUS=off: commits do not reach the disk. NEVER use this but to test tests.\n',
    );
  await mkdir(dir, { recursive: true });
  return {
    path: join(dir, `${home}.db`),
    home,
    now: clock.now(),
    synchronous,
    maxPages: maxPages ?? null,
    ...(logBytes !== undefined && { logBytes }),
  };
}

function homeOver(
  options: SqliteHomeOptions,
  setup: WorkerSetup,
  writer: LastingLink<WriterOps>,
  reader: RestingReader,
): HomeStore {
  const { home, clock } = options;
  const leases = new LeaseBook(clock);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    const orderly = Promise.all([reader.close(), writer.call('close', null)]).catch(() => undefined);
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([orderly, new Promise(resolve => (timer = setTimeout(resolve, CLOSE_MS)))]);
    clearTimeout(timer);
    await Promise.all([reader.terminate(), writer.terminate()]);
  }

  return {
    home,
    // `async`, so that what breaks a bound is a rejection like any other failure.
    append: async append => {
      checkAppend(append);
      reader.used();
      return writer.call('append', packAppend(append));
    },
    release: async release => {
      checkRelease(release);
      reader.used();
      return writer.call('release', release);
    },
    session: (tenant, session) => reader.call('session', { tenant, session }),
    events: async range => {
      checkRange(range);
      return reader.call('events', range);
    },
    response: (tenant, id, deleted) => reader.call('response', { tenant, id, deleted: deleted !== undefined }),
    runs: async range => {
      checkRange(range);
      return reader.call('runs', range);
    },
    runByBase: (tenant, base) => reader.call('runByBase', { tenant, base }),
    // The writer knows which rows are whose; the reader would have to search all of them.
    journal: (tenant, session) => writer.call('journal', { tenant, session }),
    placements: async query => {
      checkLimit(query.limit);
      return reader.call('placements', query);
    },
    placed: query => reader.call('placed', query),
    placementLog: async query => {
      checkLimit(query.limit);
      return reader.call('placementLog', query);
    },
    placementSeek: (tenant, at) => reader.call('placementSeek', { tenant, at }),
    tenants: () => reader.call('tenants', null),
    placementTenants: () => reader.call('placementTenants', null),
    retained: (tenant, session) => reader.call('retained', { tenant, session }),
    responsesOf: async query => {
      checkLimit(query.limit);
      return reader.call('responsesOf', query);
    },
    begunBefore: async query => {
      checkLimit(query.limit);
      return reader.call('begunBefore', query);
    },
    unerased: async (after, limit) => {
      checkLimit(limit);
      return reader.call('unerased', { after, limit });
    },
    open: async (after, limit) => {
      checkLimit(limit);
      return reader.call('open', { after, limit });
    },
    living: async (after, limit) => {
      checkLimit(limit);
      return reader.call('living', { after, limit });
    },
    due: async (now, limit) => {
      checkLimit(limit);
      return reader.call('due', { now, limit });
    },
    putDocument: async (digest, body) => void (await writer.call('putDocument', { digest, body })),
    document: digest => reader.call('document', digest),
    renew: async (owner, ttlMs) => {
      checkLease(ttlMs);
      await writer.call('renew', { owner, until: clock.now() + ttlMs, ttlMs });
      leases.renewed(owner, ttlMs);
    },
    ownerRemaining: async owner => {
      const seen = leases.remaining(owner);
      if (seen !== null) return seen;
      // Whoever has the folder alone knows that an owner he has not seen is gone, whatever its row says.
      if (options.exclusive === true) return 0;
      const row = await reader.call('lease', owner);
      return row === null ? 0 : leases.remainingOf(row);
    },
    outbox: async (after, limit) => {
      checkLimit(limit);
      return reader.call('outbox', { after, limit });
    },
    heads: async query => {
      checkLimit(query.limit);
      return reader.call('heads', query);
    },
    outboxTrim: async upTo => void (await writer.call('outboxTrim', upTo)),
    reproject: from => writer.call('reproject', from),
    putFile: row => writer.call('putFile', row),
    finishFile: (tenant, id, content, quota) => writer.call('finishFile', { tenant, id, content, quota }),
    file: (tenant, id) => reader.call('file', { tenant, id }),
    files: async query => {
      checkLimit(query.limit);
      return reader.call('files', query);
    },
    doomFile: (tenant, id) => writer.call('doomFile', { tenant, id }),
    hideFile: (tenant, id) => writer.call('hideFile', { tenant, id }),
    hiddenFiles: async query => {
      checkLimit(query.limit);
      return reader.call('hiddenFiles', query);
    },
    forgetFile: async (tenant, id) => void (await writer.call('forgetFile', { tenant, id })),
    unsettledFiles: async query => {
      checkLimit(query.limit);
      return reader.call('unsettledFiles', query);
    },
    keys: () => reader.call('keys', null),
    keyByHash: hash => reader.call('keyByHash', hash),
    putKey: async (key, entry) => void (await writer.call('putKey', { key, entry })),
    revokeKey: (id, at, entry) => writer.call('revokeKey', { id, at, entry }),
    records: kind => reader.call('records', kind),
    putRecord: async (record, entry) => {
      checkRecord(record, entry);
      return writer.call('putRecord', { record, entry });
    },
    audit: async (after, limit) => {
      checkLimit(limit);
      return reader.call('audit', { after, limit });
    },
    auditPosition: () => reader.call('auditPosition', null),
    resource: (kind, tenant, id) => reader.call('resource', { kind, tenant, id }),
    resources: async query => {
      checkLimit(query.limit);
      return reader.call('resources', query);
    },
    countResources: query => reader.call('countResources', query),
    dueResources: async (kind, now, limit) => {
      checkLimit(limit);
      return reader.call('dueResources', { kind, now, limit });
    },
    changeResources: async (changes, entry) => {
      checkChanges(changes, entry);
      return writer.call('changeResources', { changes, entry });
    },
    reserve: (slot, row, expireBefore) => writer.call('reserve', { slot, row, expireBefore }),
    settle: async (slot, id, outcome) => void (await writer.call('settle', { slot, id, outcome })),
    async check() {
      // A reader of its own: it reads everything, and other reads would wait behind it.
      const checker = await WorkerLink.open<ReaderOps>('reader', setup);
      try {
        return await checker.call('check', null);
      } finally {
        await checker.terminate();
      }
    },
    size: () => writer.call('size', null),
    close: () => (closing ??= close()),
  };
}
