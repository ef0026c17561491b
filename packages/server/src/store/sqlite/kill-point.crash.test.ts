import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { sampleSession } from '../sample.ts';
import { STORE_KILL_POINTS, type StoreKillPoint } from './kill-point.ts';
import { scratch } from './scratch.ts';

/** Appends, releases and folds until it is killed; prints the seq of each acknowledged append and the number of each acknowledged release. */
const SCRIPT = `
const [openAt, sampleAt, dir] = process.argv.slice(1);
const { openSqliteHome } = await import(openAt);
const { nextAppend, sampleSession, took } = await import(sampleAt);
const { writeSync } = await import('node:fs');
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const store = await openSqliteHome({ dir, home: 'home', clock });
const session = sampleSession('a');
for (let i = 1; i <= 20; i++) {
  const append = nextAppend(session, ['event', 'and another']);
  const bystander = nextAppend(sampleSession('by' + i), ['x']);
  await Promise.all([store.append(append), store.append(bystander)]);
  took(session, append);
  writeSync(1, 'append ' + session.seq + '\\n');
  if (await store.release({ ...session, call: i, steps: '[]' })) writeSync(1, 'release ' + i + '\\n');
  if (i % 5 === 0) await store.size();
}
await store.close();
`;

async function dieAt(
  point: StoreKillPoint,
  nth: number,
  dir: string,
): Promise<{ readonly signal: string | null; readonly acked: readonly string[] }> {
  const at = (path: string): string => new URL(path, import.meta.url).href;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', SCRIPT, at('./open-sqlite-home.ts'), at('../sample.ts'), dir],
    {
      env: { ...process.env, PERDURE_KILL_POINT: `${point}:${nth}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { signal, acked: output.trim().split('\n') };
}

function last(acked: readonly string[], what: string): number {
  return Number(acked.findLast(line => line.startsWith(what))?.split(' ')[1] ?? 0);
}

for (const point of STORE_KILL_POINTS) {
  test(`L2: killed at ${point}, nothing acknowledged is lost and nothing is half there`, async () => {
    await using place = await scratch();
    const { signal, acked } = await dieAt(point, 4, place.dir);
    expect(signal).toBe('SIGKILL');
    const store = await place.open({ exclusive: true });
    expect(await store.check()).toEqual([]);
    const { tenant, session } = sampleSession('a');
    const row = await store.session(tenant, session);
    const seq = row?.seq ?? 0;
    const [appended, released] = [last(acked, 'append'), last(acked, 'release')];
    // At most one append was under way: both of its events are there, or none.
    expect([appended, appended + 2]).toContain(seq);
    expect(await store.events({ tenant, session, from: 1, limit: 100 })).toHaveLength(seq);
    expect([released, released + 1]).toContain((await store.journal(tenant, session)).length);
    expect((await store.outbox(0, 1000)).filter(one => one.session === session).at(-1)?.toSeq ?? 0).toBe(seq);
  });
}
