/**
 * The end of files: hidden in one commit, their blobs removed, their log told, their row forgotten, in that order (F2). Whatever dies in
 * between, the sweep finds the row and goes on. Under a hold it is hidden only (F4); the sweep removes it once nothing holds it any more.
 */
import { toPerdureError } from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { EngineContext } from '../engine-context.ts';
import type { SessionLog } from '../ports.ts';
import { commitClaimed } from '../claim.ts';
import { removeChunks } from './chunks.ts';
import { sessionOfFile } from './file-id.ts';
import type { FileRow } from './rows.ts';

/** Rows of one step of a sweep. */
const SWEPT = 100;

/** Hides the row and removes all of it, if no hold is in the way. What cannot be removed now is left to the sweep, and told to the operator. */
export async function discard(engine: EngineContext, store: SessionLog, row: FileRow): Promise<void> {
  // An upload that was not finished was never there.
  if (row.status !== 'pending' && isHeld(engine, row))
    return void (await engine.sessions.wait(store.hideFile(row.tenant, row.id)));
  if (await engine.sessions.wait(store.doomFile(row.tenant, row.id))) await removeDoomed(engine, store, row);
}

/** Asked right before the commit that would erase, with nothing awaited in between. */
function isHeld(engine: EngineContext, { tenant, id, owner }: FileRow): boolean {
  return engine.retention.held(tenant, owner?.session ?? sessionOfFile(id));
}

export async function removeDoomed(engine: EngineContext, store: SessionLog, row: FileRow): Promise<boolean> {
  try {
    await removeChunks(engine.files.blobs(store.home), row, work => engine.sessions.wait(work));
    if (row.owner === null) await endLog(engine, store, { tenant: row.tenant, session: sessionOfFile(row.id) });
    await engine.sessions.wait(store.forgetFile(row.tenant, row.id));
    return true;
  } catch (error) {
    engine.report('file.remove', toPerdureError(error));
    return false;
  }
}

/** The log of a file, or of what else was placed alone, ends: it holds state no more. */
export async function endLog(
  engine: EngineContext,
  store: SessionLog,
  { tenant, session }: { readonly tenant: TenantId; readonly session: SessionId },
): Promise<void> {
  const live = await engine.sessions.load(tenant, session, store);
  if (live === null || live.state === null || live.state.phase === 'ended') return;
  await engine.sessions.exclusive(live, async () => {
    const head = { after: 0, whole: true };
    await commitClaimed(engine, live, [{ type: 'session.erased', head, payload: null }], 'engine');
    engine.sessions.forget(live);
  });
}

/**
 * Removes what is doomed or has expired, what no hold keeps any more, and what was begun before `begunBefore` and never finished.
 * @returns how many files went
 */
export async function sweepFiles(engine: EngineContext, begunBefore: number): Promise<number> {
  let gone = 0;
  for (const store of engine.homes.all) {
    for (;;) {
      const query = { now: engine.clock.now(), begunBefore, limit: SWEPT };
      const rows = await engine.sessions.wait(store.unsettledFiles(query));
      let settled = 0;
      for (const row of rows) {
        const done = await settleRow(engine, store, row);
        if (done !== 'left') settled += 1;
        if (done === 'gone') gone += 1;
      }
      // Those that could not go now would be shown again at once.
      if (rows.length < SWEPT || settled === 0) break;
    }
    gone += await sweepHidden(engine, store);
  }
  return gone;
}

async function sweepHidden(engine: EngineContext, store: SessionLog): Promise<number> {
  let gone = 0;
  for (let after: FileRow | null = null; ; ) {
    const rows: readonly FileRow[] = await engine.sessions.wait(store.hiddenFiles({ after, limit: SWEPT }));
    for (const row of rows)
      if (!isHeld(engine, row) && (await engine.sessions.wait(store.doomFile(row.tenant, row.id))))
        if (await removeDoomed(engine, store, row)) gone += 1;
    after = rows.at(-1) ?? null;
    if (rows.length < SWEPT) return gone;
  }
}

async function settleRow(engine: EngineContext, store: SessionLog, row: FileRow): Promise<'gone' | 'kept' | 'left'> {
  const { tenant, id, owner } = row;
  if (row.status === 'pending' && owner !== null) {
    const session = await engine.sessions.wait(store.session(tenant, owner.session));
    // The event that it was fetched for is there: it belongs to it now.
    if (session !== null && session.seq >= owner.seq) {
      await engine.sessions.wait(store.finishFile(tenant, id, row, UNBOUNDED));
      return 'kept';
    }
  }
  if (row.status === 'ready' && isHeld(engine, row)) {
    await engine.sessions.wait(store.hideFile(tenant, id));
    return 'kept';
  }
  if (row.status !== 'doomed' && !(await engine.sessions.wait(store.doomFile(tenant, id)))) return 'left';
  return (await removeDoomed(engine, store, row)) ? 'gone' : 'left';
}

const UNBOUNDED = { bytes: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER };
