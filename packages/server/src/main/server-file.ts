/**
 * Where the server of a data folder listens, beside the lock: so that commands find it on whatever port it is. Only who holds the lock writes or
 * removes it, and who takes the lock removes what a process that was killed left.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireDataLock, type DataLock } from '../store/sqlite/data-lock.ts';

/** In the data folder. */
export const SERVER_FILE = 'server.json';
/** A file that is larger is none of ours, characters. */
const MAX_CHARS = 4096;
/** For a server to say that it is there, ms. */
const PROBE_MS = 2000;

/** Takes the folder: no server is there any more. @throws StoreError as `acquireDataLock` */
export function holdDataFolder(data: string): DataLock {
  const lock = acquireDataLock(data);
  forgetServer(data);
  return lock;
}

/** @param url as others reach it from this machine */
export function announceServer(data: string, url: string): void {
  const file = join(data, SERVER_FILE);
  const written = `${file}.new`;
  rmSync(written, { force: true });
  writeFileSync(written, `${JSON.stringify({ url, pid: process.pid })}\n`, { mode: 0o600 });
  renameSync(written, file);
}

export function forgetServer(data: string): void {
  rmSync(join(data, SERVER_FILE), { force: true });
}

/** The address that is told there, if its process lives and it answers; else null. */
export async function announcedServer(data: string): Promise<string | null> {
  const told = read(data);
  if (told === null || !lives(told.pid)) return null;
  try {
    const url = `${told.url}/healthz`;
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PROBE_MS) });
    await answer.body?.cancel();
    return answer.ok ? told.url : null;
  } catch {
    return null;
  }
}

function read(data: string): { readonly url: string; readonly pid: number } | null {
  try {
    const text = readFileSync(join(data, SERVER_FILE), 'utf8');
    if (text.length > MAX_CHARS) return null;
    const { url, pid } = JSON.parse(text) as { readonly url?: unknown; readonly pid?: unknown };
    if (typeof url !== 'string' || !isHttpAddress(url)) return null;
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? { url, pid } : null;
  } catch {
    return null;
  }
}

export function isHttpAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** Whether there is such a process, of whichever user. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
