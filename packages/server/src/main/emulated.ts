/** The emulated clouds: a process of its own, tied to this one, so that the server never loads what stands in for a model. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Until it has said its address, ms. */
const START_MS = 15_000;
/** Until it has ended after its input was closed, ms; then it is killed. */
const END_MS = 2_000;

export interface EmulatedClouds {
  readonly url: string;
  /** Base URL by cloud. */
  readonly clouds: { readonly [cloud: string]: string };
  close(): Promise<void>;
}

export function emulatorProgram(): string {
  return fileURLToPath(import.meta.resolve('@perdure/emulator/main'));
}

/** @throws Error if it does not start within 15 s */
export async function startEmulatedClouds(
  clouds: readonly string[],
  onEnd: (why: string) => void,
): Promise<EmulatedClouds> {
  const args = [emulatorProgram(), '--json', '--exit-with-parent', '--clouds', clouds.join(',')];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true });
  let closing = false;
  child.once('exit', (code, signal) => {
    if (!closing) onEnd(`the emulated clouds ended (${signal ?? `exit code ${code}`}): calls to them fail from now on`);
  });
  try {
    const announced = parseAnnouncement(await firstLine(child));
    return {
      ...announced,
      async close() {
        closing = true;
        await end(child);
      },
    };
  } catch (error) {
    closing = true;
    await end(child);
    throw error;
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const { stdout } = child;
    if (stdout === null) return reject(new Error('the emulator has no output'));
    const timer = setTimeout(() => reject(new Error(`the emulator did not start within ${START_MS} ms`)), START_MS);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    createInterface({ input: stdout }).once('line', line => settle(() => resolve(line)));
    child.once('error', error => settle(() => reject(error)));
    child.once('exit', code => settle(() => reject(new Error(`the emulator ended at once (exit code ${code})`))));
  });
}

function parseAnnouncement(line: string): { url: string; clouds: { readonly [cloud: string]: string } } {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null || !('url' in value) || !('clouds' in value)) {
    throw new Error('the emulator announced something else than its address');
  }
  // Its own program of the same version: the form of the line is pinned by a test.
  return value as { url: string; clouds: { readonly [cloud: string]: string } };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  child.stdin?.end();
  await ended;
  clearTimeout(timer);
}
