/** Idle memory of the server's process. */
import { readFileSync } from 'node:fs';
import type { Row } from './figures.ts';
import { type Started, startServer } from './processes.ts';

/** How long the server is left alone before it is looked at, ms. */
const IDLE_MS = 5000;

export async function idleMemory(emulator: Started): Promise<readonly Row[]> {
  const server = await startServer(emulator);
  try {
    await new Promise(resolve => setTimeout(resolve, IDLE_MS));
    const megabytes = residentMegabytes(server.pid);
    return [
      { what: 'idle memory', goal: '<= 90 MB', measured: `${megabytes.toFixed(0)} MB resident`, ratio: megabytes / 90 },
    ];
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
