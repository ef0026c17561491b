/** Idle memory of the server's process, and what its start costs: as it is published, and from source. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from './figures.ts';
import { processorSeconds, type Started, startServer } from './processes.ts';

/** How long the server is left alone before it is looked at, ms. */
const IDLE_MS = 5000;
const GOAL_MB = 90;
const ROOT = new URL('..', import.meta.url).pathname;

export async function idleMemory(emulator: Started): Promise<readonly Row[]> {
  // Below node_modules, where Node runs no TypeScript, as at a user's. The dependencies are those of the checkout.
  const into = join(ROOT, 'node_modules', '.cache', `perdure-bench-${process.pid}`);
  try {
    execFileSync(process.execPath, ['scripts/pack.mjs', into], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
    mkdirSync(join(into, 'node_modules', '@perdure'), { recursive: true });
    for (const name of ['protocol', 'client', 'emulator'])
      symlinkSync(join(into, name), join(into, 'node_modules', '@perdure', name));
    return [
      await measure('idle memory, as published', emulator, join(into, 'server', 'bin', 'perdure.mjs')),
      await measure('idle memory, from source', emulator),
    ];
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

/** Of a second start on the same data: the first compiles what is then kept. */
async function measure(what: string, emulator: Started, bin?: string): Promise<Row> {
  const server = await (await startServer(emulator, '', { bin })).again();
  try {
    const seconds = processorSeconds(server.pid);
    await new Promise(resolve => setTimeout(resolve, IDLE_MS));
    const megabytes = residentMegabytes(server.pid);
    const measured = `${megabytes.toFixed(0)} MB resident; started with ${seconds.toFixed(1)} s of processor time`;
    return { what, goal: `<= ${GOAL_MB} MB`, measured, ratio: megabytes / GOAL_MB };
  } finally {
    await server.remove();
  }
}

/** From /proc; NaN where there is none. */
function residentMegabytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes) / 1024;
  } catch {
    return Number.NaN;
  }
}
