/** What the sandbox adds to a command: a trivial one in a workspace, against the same shell started bare. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TenantId } from '../packages/server/src/kernel/ids.ts';
import { DEFAULT_EGRESS } from '../packages/server/src/main/config/egress.ts';
import { workspacesOf } from '../packages/server/src/main/config/workspaces.ts';
import { makeWorkspaces } from '../packages/server/src/main/workspaces.ts';
import { figures, type Row } from './figures.ts';

const RUNS = 60;
/** As the recipe was first measured. */
const GOAL_MS = 90;

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

/** None where there is no bubblewrap. */
export async function benchWorkspace(): Promise<readonly Row[]> {
  const data = await mkdtemp(join(tmpdir(), 'perdure-bench-'));
  const desk = makeWorkspaces({ data, egress: DEFAULT_EGRESS, workspaces: workspacesOf(null, data) });
  try {
    const workspaces = await desk.get();
    if (workspaces.isolation !== 'bubblewrap') return [];
    const network = { access: 'disabled' as const, allowed: [], blocked: [] };
    const workspace = await workspaces.open({ tenant: 'bench' as TenantId, id: 'env_bench', network, env: {} });
    const signal = new AbortController().signal;
    const inside: number[] = [];
    const bare: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      bare.push(await timed(() => once(spawn('bash', ['-c', 'true'], { stdio: ['ignore', 'pipe', 'pipe'] }), 'close')));
      inside.push(
        await timed(() =>
          workspace.exec({ command: 'true', cwd: null, timeoutMs: 10_000, signal, show: () => undefined }),
        ),
      );
    }
    const [one, floor] = [figures(inside), figures(bare)];
    return [
      {
        what: 'a trivial command in bubblewrap, quota looked at before and after',
        goal: `p50 <= ${GOAL_MS} ms`,
        measured: `${one.p50.toFixed(1)} ms p50, ${one.p99.toFixed(1)} ms p99; bare bash ${floor.p50.toFixed(1)} ms`,
        ratio: one.p50 / GOAL_MS,
      },
    ];
  } finally {
    await desk.close();
    await rm(data, { recursive: true, force: true });
  }
}
