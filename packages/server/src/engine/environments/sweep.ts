/** What happens to environments without anybody asking: those left half made are made, the idle are suspended, then they expire. */
import { toPerdureError } from '@perdure/protocol';
import type { EngineContext } from '../engine-context.ts';
import type { ResourceRow } from '../resources.ts';
import { sweepArtifact } from './artifacts.ts';
import { type LiveEnvironments, toldMark, WORKER_LOOK_MS } from './live.ts';
import { endAlone } from './environment-log.ts';
import {
  changeRow,
  type Change,
  type EnvironmentRecord,
  type Found,
  type HostedRecord,
  type SelfHostedRecord,
} from './records.ts';

/** Rows of one step. */
const SWEPT = 100;

/** @returns how many rows were dealt with */
export async function sweepEnvironments(engine: EngineContext, live: LiveEnvironments): Promise<number> {
  const environments = await sweepKind(engine, 'environment', row => settle(engine, live, row));
  return environments + (await sweepKind(engine, 'artifact', row => sweepArtifact(engine, row)));
}

async function sweepKind(
  engine: EngineContext,
  kind: 'environment' | 'artifact',
  deal: (row: ResourceRow) => Promise<void>,
): Promise<number> {
  const seen = new Set<string>();
  for (;;) {
    const due = await engine.sessions.wait(engine.control.dueResources(kind, engine.clock.now(), SWEPT + seen.size));
    const rows = due.filter(row => !seen.has(row.id));
    for (const row of rows) {
      seen.add(row.id);
      try {
        await deal(row);
      } catch (error) {
        engine.report(`${kind}.sweep`, toPerdureError(error));
      }
    }
    // What could not be dealt with is still due, and is not looked at again now.
    if (rows.length === 0 || seen.size >= MOST_SEEN) return seen.size;
  }
}

/** Of one sweep: the store reads at most 1000 at once. */
const MOST_SEEN = 900;

async function settle(engine: EngineContext, live: LiveEnvironments, row: ResourceRow): Promise<void> {
  const record = JSON.parse(row.body) as EnvironmentRecord;
  if (record.type !== 'openai_hosted') return lookForWorker(engine, live, { row, record });
  if (record.session !== null && record.told !== toldMark(record)) live.tellSession({ row, record });
  if (record.status === 'pending') {
    if (live.making(row.id) === null && engine.environments.workspaces !== null)
      live.make({ row, record }).catch((error: unknown) => engine.report('environment.make', toPerdureError(error)));
    return;
  }
  if (record.status === 'expired') return clear(engine, row);
  const at = { kind: 'environment', tenant: row.tenant, id: row.id } as const;
  const serving = (await engine.environments.workspaces?.serving?.(row.tenant, row.id)) ?? false;
  const changed = await changeRow<HostedRecord>(engine, at, found => grownIdle(engine, found, serving));
  if (changed.record.status === record.status) return;
  live.tell(changed);
  if (changed.record.status === 'expired') await clear(engine, changed.row);
}

/** A worker was there when its row was written. If it is not, its session is told. */
async function lookForWorker(
  engine: EngineContext,
  live: LiveEnvironments,
  found: Found<SelfHostedRecord>,
): Promise<void> {
  const connected = live.connected(found.row.id);
  if (!connected) live.tellSession(found);
  const wakeAt = connected ? engine.clock.now() + WORKER_LOOK_MS : null;
  const at = { kind: 'environment', tenant: found.row.tenant, id: found.row.id } as const;
  await changeRow<SelfHostedRecord>(engine, at, ({ record }) => ({ record, wakeAt }));
}

/** @param serving what runs in it uses it, though nobody opened it since */
function grownIdle(
  engine: EngineContext,
  { record }: Found<HostedRecord>,
  serving: boolean,
): Change<HostedRecord> | null {
  const { suspendMs, expireMs } = engine.environments.limits;
  const now = engine.clock.now();
  const idle = now - record.usedAt;
  if (record.status === 'pending' || record.status === 'expired') return null;
  if (serving && record.status === 'ready')
    return { record: { ...record, usedAt: now }, wakeAt: now + Math.min(suspendMs, expireMs) };
  // Nobody opens it from now on; its files go next.
  if (idle >= expireMs)
    return { record: { ...record, status: 'expired', env: {}, recipe: null, outputs: [] }, wakeAt: now };
  const expires = record.usedAt + expireMs;
  if (record.status !== 'ready' || idle < suspendMs)
    return { record, wakeAt: record.status === 'ready' ? Math.min(expires, record.usedAt + suspendMs) : expires };
  return { record: { ...record, status: 'suspended' }, wakeAt: expires };
}

/** The files of one that expired go, and with them the state that it held. */
async function clear(engine: EngineContext, row: ResourceRow): Promise<void> {
  await engine.environments.workspaces?.destroy(row.tenant, row.id);
  await endAlone(engine, row);
  await changeRow<HostedRecord>(engine, { kind: 'environment', tenant: row.tenant, id: row.id }, ({ record }) => ({
    record,
    wakeAt: null,
  }));
}
