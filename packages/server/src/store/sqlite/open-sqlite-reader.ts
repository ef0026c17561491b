/** A home's file, read beside whoever writes it: reports and what-if need neither the lock nor the server to stand still. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlRecords } from '../../engine/control-records.ts';
import type { ControlStore, SessionLog } from '../../engine/ports.ts';
import type { HomeId } from '../../kernel/ids.ts';
import { checkLimit, checkRange } from '../bounds.ts';
import type { PlacementTexts, PlacementTextsQuery, ReaderOps } from './messages.ts';
import { WorkerLink } from './worker-link.ts';

export interface HomeReader
  extends Pick<
      SessionLog,
      'home' | 'session' | 'placementLog' | 'placementSeek' | 'placementTenants' | 'events' | 'document' | 'close'
    >,
    Pick<ControlRecords, 'records' | 'auditPosition'>,
    Pick<ControlStore, 'keys' | 'resources'> {
  /** Placements in the order of their positions, as a replay needs them. */
  placementTexts(query: PlacementTextsQuery): Promise<PlacementTexts>;
}

/** Null if the home has no file yet. @throws StoreError if it cannot be read */
export async function openSqliteReader(dir: string, home: HomeId, now: number): Promise<HomeReader | null> {
  const path = join(dir, `${home}.db`);
  if (!existsSync(path)) return null;
  const reader = await WorkerLink.open<ReaderOps>('reader', { path, home, now, synchronous: 'FULL', maxPages: null });
  return {
    home,
    session: (tenant, session) => reader.call('session', { tenant, session }),
    placementLog: async query => {
      checkLimit(query.limit);
      return reader.call('placementLog', query);
    },
    placementTexts: async query => {
      checkLimit(query.limit);
      return reader.call('placementTexts', query);
    },
    placementSeek: (tenant, at) => reader.call('placementSeek', { tenant, at }),
    placementTenants: () => reader.call('placementTenants', null),
    events: async range => {
      checkRange(range);
      return reader.call('events', range);
    },
    document: digest => reader.call('document', digest),
    records: kind => reader.call('records', kind),
    auditPosition: () => reader.call('auditPosition', null),
    keys: () => reader.call('keys', null),
    resources: async query => {
      checkLimit(query.limit);
      return reader.call('resources', query);
    },
    close: () => reader.terminate(),
  };
}
