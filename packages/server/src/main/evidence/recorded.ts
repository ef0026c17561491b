/**
 * The recorded placements of a data folder, in a fixed order: home by home, tenant by tenant, as they were committed. Read beside a server
 * that may be running. A place in that order can be kept, and reading goes on from it.
 */
import { join } from 'node:path';
import { placementOf, type PlacementRecord } from '../../engine/placements.ts';
import { MAX_EVENTS_READ } from '../../engine/ports.ts';
import type { HomeId, TenantId } from '../../kernel/ids.ts';
import { decodeEnvelope } from '../../log/codec.ts';
import type { Use } from '../../placement/facts.ts';
import { stateIn } from '../../session/project.ts';
import { reduceAll } from '../../session/reduce.ts';
import type { SessionState } from '../../session/state.ts';
import type { PlacementTexts } from '../../store/sqlite/messages.ts';
import { type HomeReader, openSqliteReader } from '../../store/sqlite/open-sqlite-reader.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { Config } from '../config/config.ts';

export interface RecordedPlace {
  readonly home: string;
  readonly tenant: string;
  /** A position in the home, exclusive. */
  readonly after: number;
  /** Over HTTP: where the next page begins. */
  readonly cursor?: string;
}

export interface Window {
  /** ms since 1970, of the recording; inclusive and exclusive. Null: unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  /** Null: every tenant. */
  readonly tenant: string | null;
}

export interface RecordedPage {
  readonly placements: readonly PlacementRecord[];
  /** Where to go on after this page. */
  readonly place: RecordedPlace;
}

export type RecordedSession = Pick<PlacementRecord, 'session' | 'tenant' | 'home'>;

/** The same as texts, for a replay. */
export interface RecordedTexts {
  readonly texts: PlacementTexts;
  /** Which of them the window holds. */
  readonly wanted: (index: number) => boolean;
  readonly place: RecordedPlace;
  /** What they are called, by position: more than a row of the log tells. To be asked before the next page is. */
  readonly names: () => Promise<ReadonlyMap<number, PlacementName>>;
}

export type PlacementName = Pick<PlacementRecord, 'id'> & { readonly tenant: string };

/** What a replay reads. */
export interface ReplaySource {
  /** A place in one source is none in another: a server's address, or a data folder and its homes. */
  readonly source: string;
  /** How many placements there are, the window's edges left aside: for progress. Null: not known. */
  count(window: Window): Promise<number | null>;
  texts(window: Window, after: RecordedPlace | null): AsyncIterable<RecordedTexts>;
  /** Whether any placement of a tenant is recorded. */
  hasTenant(tenant: string): Promise<boolean>;
  /** What a session did in all before a moment; null if its log cannot be read. */
  use(session: RecordedSession, before: number | null): Promise<Use | null>;
  /** A snapshot's document by its version. */
  document(version: string): Promise<string | null>;
  close(): Promise<void>;
}

export interface RecordedData extends ReplaySource {
  count(window: Window): Promise<number>;
  pages(window: Window, after: RecordedPlace | null): AsyncIterable<RecordedPage>;
}

/** What reports read of a home: its file beside whoever writes it, or the store of a running server. */
export type RecordedHome = Pick<
  HomeReader,
  'home' | 'session' | 'placementLog' | 'placementSeek' | 'placementTenants' | 'events' | 'document'
>;

const PAGE = 500;
/** Sessions whose use is remembered. */
const KEPT_SESSIONS = 20_000;

/** @throws CliError if no home has a file */
export async function openRecorded(config: Config): Promise<RecordedData> {
  const found = await Promise.all(
    config.homes.map(home => openSqliteReader(config.data, home.id as HomeId, Date.now())),
  );
  const homes = found.filter(home => home !== null);
  if (homes.length === 0)
    throw new CliError(EXIT.failed, `there is no data at ${join(config.data)}`, {
      hint: 'Name the data folder with --data, and the homes in it with --config.',
    });
  return {
    ...recordedOf(homes),
    source: JSON.stringify([config.data, homes.map(({ home }) => home)]),
    async count(window) {
      let sum = 0;
      for (const home of homes) for (const { placements } of await tenantsOf(home, window)) sum += placements;
      return sum;
    },
    texts: (window, after) => walk(homes, window, after, textsOf),
    async hasTenant(tenant) {
      for (const home of homes) if ((await home.placementTenants()).some(one => one.tenant === tenant)) return true;
      return false;
    },
    close: async () => void (await Promise.all(homes.map(home => home.close()))),
  };
}

/** @param homes each kept open by whoever opened it */
export function recordedOf(homes: readonly RecordedHome[]): Pick<RecordedData, 'pages' | 'use' | 'document'> {
  const uses = new Map<string, Use | null>();
  const readers = new Map(homes.map(home => [home.home as string, home]));
  return {
    pages: (window, after) => walk(homes, window, after, pagesOf),
    async use(placement, before) {
      const { session, tenant, home } = placement;
      if (!uses.has(session)) {
        if (uses.size >= KEPT_SESSIONS) uses.clear();
        const reader = readers.get(home);
        uses.set(session, reader === undefined ? null : await useOf(reader, tenant as TenantId, placement, before));
      }
      return uses.get(session) ?? null;
    },
    async document(version) {
      for (const home of homes) {
        const text = await home.document(version);
        if (text !== null) return text;
      }
      return null;
    },
  };
}

async function* walk<Home extends RecordedHome, Page>(
  homes: readonly Home[],
  window: Window,
  after: RecordedPlace | null,
  read: (home: Home, tenant: TenantId, window: Window, first: number) => AsyncIterable<Page>,
): AsyncGenerator<Page> {
  let skipping = after !== null;
  for (const home of homes) {
    if (skipping && home.home !== after?.home) continue;
    for (const { tenant } of await tenantsOf(home, window)) {
      if (skipping && tenant !== after?.tenant) continue;
      const first = skipping ? (after?.after ?? 0) : await firstOf(home, tenant, window);
      skipping = false;
      yield* read(home, tenant, window, first);
    }
  }
}

async function tenantsOf(
  home: RecordedHome,
  { tenant }: Window,
): Promise<readonly { readonly tenant: TenantId; readonly placements: number }[]> {
  const all = await home.placementTenants();
  return tenant === null ? all : all.filter(one => one.tenant === tenant);
}

async function firstOf(home: RecordedHome, tenant: TenantId, { from }: Window): Promise<number> {
  return from === null ? 0 : home.placementSeek(tenant, from);
}

async function* pagesOf(
  home: RecordedHome,
  tenant: TenantId,
  { from, to }: Window,
  first: number,
): AsyncGenerator<RecordedPage> {
  const read = (after: number) => home.placementLog({ tenant, order: 'asc', limit: PAGE, after });
  // The next page is read while this one is worked on.
  for (let coming = read(first); ; ) {
    const entries = await coming;
    const last = entries.at(-1);
    if (last === undefined) return;
    coming = read(last.position);
    coming.catch(() => undefined);
    const wanted = entries.filter(({ at }) => (from === null || at >= from) && (to === null || at < to));
    yield {
      placements: wanted.flatMap(entry => placementOf(tenant, entry) ?? []),
      place: { home: home.home, tenant, after: last.position },
    };
    if (to !== null && entries.every(({ at }) => at >= to)) {
      await coming;
      return;
    }
  }
}

async function* textsOf(
  home: HomeReader,
  tenant: TenantId,
  { from, to }: Window,
  first: number,
): AsyncGenerator<RecordedTexts> {
  const read = (after: number) => home.placementTexts({ tenant, limit: PAGE, after });
  for (let coming = read(first); ; ) {
    const texts = await coming;
    const { positions, ats } = texts;
    const last = positions.at(-1);
    if (last === undefined) return;
    coming = read(last);
    coming.catch(() => undefined);
    const wanted = (index: number): boolean => {
      const at = ats[index] ?? 0;
      return (from === null || at >= from) && (to === null || at < to);
    };
    const names = () => namesOf(home, tenant, positions);
    yield { texts, wanted, place: { home: home.home, tenant, after: last }, names };
    if (to !== null && ats.every(at => at >= to)) {
      await coming;
      return;
    }
  }
}

async function namesOf(
  home: HomeReader,
  tenant: TenantId,
  positions: readonly number[],
): Promise<ReadonlyMap<number, PlacementName>> {
  const after = (positions[0] ?? 1) - 1;
  const entries = await home.placementLog({ tenant, order: 'asc', limit: positions.length, after });
  return new Map(
    entries.flatMap(entry => {
      const placement = placementOf(tenant, entry);
      return placement === null ? [] : [[entry.position, { id: placement.id, tenant }] as const];
    }),
  );
}

/** What the session's row holds, where that is of a moment before; else a fold of its events by the reducer. Both are the same (L1). */
async function useOf(
  home: RecordedHome,
  tenant: TenantId,
  { session }: RecordedSession,
  before: number | null,
): Promise<Use | null> {
  const row = await home.session(tenant, session);
  const now = row === null || (before !== null && row.updatedAt >= before) ? null : stateIn(row);
  if (now !== null) return now.use;
  let state: SessionState | null = null;
  for (let from = 1; ; ) {
    const stored = await home.events({ tenant, session, from, limit: MAX_EVENTS_READ });
    const past = stored.filter(({ at }) => before === null || at < before);
    const reduced = reduceAll(
      state,
      past.map(one => decodeEnvelope({ tenant, session }, one)),
    );
    if (!reduced.ok) return state?.use ?? null;
    state = reduced.state;
    if (past.length < MAX_EVENTS_READ) return state.use;
    from += past.length;
  }
}
