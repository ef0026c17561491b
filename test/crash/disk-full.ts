/**
 * The disk fills up under load, is freed, fills up again, and the server is killed on it: clients are told so (507 `store_full`), the server
 * stays up, reads go on, nothing that was acknowledged is lost, and with room everything goes on.
 *
 * The data folder is a small tmpfs of its own, so this needs Linux and the right to mount.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readBack } from './checks/over-http.ts';
import { checkLog } from './checks/in-log.ts';
import { clientsOf } from './generation.ts';
import { runClient } from './load/client.ts';
import { type Endpoint, send } from './load/http.ts';
import { Ledger } from './load/ledger.ts';
import { Stage } from './load/stage.ts';
import { type Load, pause } from './load/turns.ts';
import type { Random } from './random.ts';
import { ServerProcess } from './server-process.ts';
import type { Upstream } from './upstream.ts';
import type { Violations } from './violations.ts';

export interface DiskFullOptions {
  readonly folder: string;
  readonly config: string;
  readonly upstream: Upstream;
  readonly random: Random;
  readonly violations: Violations;
  readonly env: { readonly [name: string]: string };
}

export type DiskFullReport =
  | { readonly ran: true; readonly refused: number; readonly turns: number; readonly readBack: number }
  | { readonly ran: false; readonly why: string };

const DISK_MIB = 64;
/** Refusals that must have been seen before room is made. */
const REFUSALS = 10;
/** ms that the disk stays full: longer than the engine waits before it looks at a broken turn again. */
const FULL_MS = 3000;
/** ms for what must happen once the disk is full, or free again. */
const PATIENCE_MS = 20_000;
/** Turns that must end after room was made. */
const TURNS_AFTER = 20;

export async function runDiskFull(options: DiskFullOptions): Promise<DiskFullReport> {
  const data = join(options.folder, 'data');
  mkdirSync(data, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', data], { encoding: 'utf8' });
  if (mounted.status !== 0)
    return { ran: false, why: `a tmpfs cannot be mounted: ${mounted.stderr.trim() || String(mounted.error)}` };
  try {
    return await fillAndFree(options, data);
  } finally {
    const unmounted = spawnSync('umount', [data], { encoding: 'utf8' });
    if (unmounted.status !== 0) spawnSync('umount', ['-l', data]);
  }
}

async function fillAndFree(options: DiskFullOptions, data: string): Promise<DiskFullReport> {
  const { config, violations, random, upstream, env } = options;
  const ledger = new Ledger();
  const stage = new Stage();
  const load: Load = { stage, ledger, violations, random, mayBeFull: true, refusedFull: 0 };
  const start = (): ServerProcess =>
    new ServerProcess({ config, data, killPoint: null, program: 'warm', preload: [], env });
  let server = start();
  const clients = clientsOf(load).map(client => runClient(load, client));
  let checked = 0;
  let requests = 0;
  const begin = async (): Promise<Endpoint> => {
    await server.loaded();
    const started = await server.go();
    if (started === null) throw new Error(`the server did not start: ${server.stderr}`);
    stage.open(started.endpoint);
    return started.endpoint;
  };
  const until = async (what: string, done: () => boolean): Promise<void> => {
    const by = Date.now() + PATIENCE_MS;
    while (!done() && Date.now() < by && !server.dead) {
      await pause(20);
      requests += await upstream.newRequests();
    }
    if (server.dead) violations.add('liveness', 'the server died of a full disk', server.stderr);
    else if (!done())
      violations.add('liveness', what, `${load.refusedFull} refusals, ${endedCount(ledger)} turns ended`);
  };
  try {
    let endpoint = await begin();
    for (const end of ['freed', 'killed'] as const) {
      await until('the load does not run', () => endedCount(ledger) >= TURNS_AFTER);
      fill(data);
      const before = load.refusedFull;
      await until('a full disk was not told', () => load.refusedFull >= before + REFUSALS);
      const since = Date.now();
      await until('time does not pass', () => Date.now() > since + FULL_MS);
      const alive = await send(endpoint, { method: 'GET', path: '/healthz' });
      if (alive.status !== 200) violations.add('liveness', 'a server on a full disk is not well', String(alive.status));
      // What had ended can be read, disk or no disk.
      const known = ledger.turns.filter(turn => turn.resource !== null);
      await readBack({ endpoint, violations }, ledger, known, () => void (checked += 1));
      if (end === 'killed') {
        await server.kill();
        stage.lost();
      }
      free(data);
      if (end === 'killed') {
        server = start();
        endpoint = await begin();
      }
      const had = endedCount(ledger);
      const cut = ledger.turns.filter(turn => turn.id !== null && turn.resource === null);
      await until('a turn that the full disk had cut was not taken up again', () =>
        cut.every(turn => turn.resource !== null),
      );
      await until('with room again nothing goes on', () => endedCount(ledger) >= had + TURNS_AFTER);
    }
    stage.rest();
    await Promise.all(clients);
    const all = ledger.turns.filter(turn => turn.id !== null);
    await readBack({ endpoint, violations }, ledger, all, () => void (checked += 1));
    if ((await server.end()) !== 0) violations.add('liveness', 'the server did not drain', server.stderr);
    checkLog(
      join(data, 'local.db'),
      { ledger, upstreamRequests: requests + (await upstream.newRequests()), effects: '' },
      violations,
    );
    return { ran: true, refused: load.refusedFull, turns: ledger.turns.length, readBack: checked };
  } finally {
    stage.close();
    await server.kill();
    await Promise.all(clients);
  }
}

function endedCount(ledger: Ledger): number {
  return ledger.turns.filter(turn => turn.resource !== null).length;
}

const BALLAST = 'ballast';

/** Takes all the room that is left. */
function fill(data: string): void {
  const fd = openSync(join(data, BALLAST), 'w');
  try {
    for (let size = 2 ** 20; size >= 1; ) {
      try {
        if (writeSync(fd, Buffer.alloc(size, 1)) < size) size = Math.floor(size / 2);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(fd);
  }
}

function free(data: string): void {
  rmSync(join(data, BALLAST));
}
