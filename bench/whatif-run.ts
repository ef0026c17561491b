/**
 * `node bench/whatif-run.ts [--data DIR] [--sessions N]`: a million placements recorded in a data folder through the real store, and `perdure whatif`
 * over them under another reading: its time and memory; killed half-way (SIGKILL) and gone on; and its totals beside those of a slow reference
 * that decides every placement in full. Takes some ten minutes and 1 GB of disk; a folder named with --data is laid if it is empty, and kept.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { configWith } from '../packages/server/src/main/discover.ts';
import { layFolder } from '../packages/server/src/main/evidence/recorded-folder.test-support.ts';
import { openRecorded } from '../packages/server/src/main/evidence/recorded.ts';
import { booksOf } from '../packages/server/src/main/money/books.ts';
import { whatIf } from '../packages/server/src/main/whatif-command.ts';
import type { WhatIfReport } from '../packages/server/src/main/whatif/report.ts';
import { makeSuppositions } from '../packages/server/src/main/whatif/suppose.ts';
import type { PlacementRecord } from '../packages/server/src/placement/record.ts';
import { replaySlowly } from '../packages/server/src/placement/replay.ts';
import { emptyTally, wireTally } from '../packages/server/src/placement/tally.ts';
import { benchTraffic } from './whatif-traffic.ts';

/** Eight placements each, on average. */
const SESSIONS = 125_100;
const READING = 'microsoft';

interface Ran {
  readonly wallMs: number;
  /** Of all threads, and of the one that replays. */
  readonly cpuMs: readonly [number, number];
  /** Resident set after each tenth, and its highest, MB. */
  readonly rssMb: readonly number[];
  readonly highestMb: number;
  readonly report: WhatIfReport;
}

/** In a process of its own: the command, its progress read for the moment at which memory is looked at. */
async function child(data: string, state: string | undefined): Promise<void> {
  const rssMb: number[] = [];
  let out = '';
  const io = {
    cwd: data,
    env: {},
    out: (text: string) => void (out += text),
    err(text: string) {
      process.stderr.write(text);
      if (doneIn(text) >= (rssMb.length + 1) / 10) rssMb.push(process.memoryUsage.rss() / 1e6);
    },
  };
  const began = performance.now();
  const options = { data, reading: READING, json: true, ...(state !== undefined && { state }) };
  await whatIf(options, io);
  const cpuOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;
  const ran: Ran = {
    wallMs: performance.now() - began,
    cpuMs: [cpuOf(process.cpuUsage()), cpuOf(process.threadCpuUsage())],
    rssMb,
    highestMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    report: JSON.parse(out) as WhatIfReport,
  };
  process.stdout.write(JSON.stringify(ran));
}

/** The share that a line of progress says is done. */
function doneIn(line: string): number {
  const [, done = '0', total = '1'] = /^([\d,]+) of at most ([\d,]+)/.exec(line) ?? [];
  return Number(done.replaceAll(',', '')) / Number(total.replaceAll(',', ''));
}

/** @param killAt the share of its work at which it is killed, as `kill -9` does it */
async function run(data: string, state: string | null, killAt: number | null): Promise<Ran | null> {
  const self = fileURLToPath(import.meta.url);
  const args = [self, '--child', '--data', data, ...(state === null ? [] : ['--state', state])];
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  started.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => {
    if (killAt !== null && doneIn(chunk.toString()) >= killAt) started.kill('SIGKILL');
  });
  const signal = await new Promise(resolve => void started.on('close', (_, by) => resolve(by)));
  if (killAt !== null) {
    if (signal !== 'SIGKILL') throw new Error('it ended before it could be killed');
    return null;
  }
  return JSON.parse(out) as Ran;
}

async function slowly(data: string): Promise<string> {
  const config = configWith([], data);
  const recorded = await openRecorded({ ...config, data });
  const suppose = { contracts: null, reading: READING, events: [] };
  const suppositions = makeSuppositions(suppose, version => recorded.document(version), booksOf(config));
  const tally = emptyTally();
  for await (const { placements } of recorded.pages({ from: null, to: null, tenant: null }, null))
    for (const { id, at, record: stored, call } of placements) {
      const record = stored as unknown as PlacementRecord;
      const supposition = await suppositions.of(record.s);
      if (supposition === null) throw new Error(`nothing is kept of ${record.s}`);
      replaySlowly(tally, { id, at, record, usage: call.usage, use: null }, supposition);
    }
  await recorded.close();
  return figures(wireTally(tally));
}

function figures({ cells, days, skipped }: Pick<WhatIfReport, 'cells' | 'days' | 'skipped'>): string {
  return JSON.stringify([cells, days, skipped]);
}

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    sessions: { type: 'string' },
    state: { type: 'string' },
    child: { type: 'boolean' },
  },
});
if (values.child === true) await child(values.data ?? '', values.state);
else {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const data = values.data ?? mkdtempSync(join(tmpdir(), 'perdure-whatif-'));
  mkdirSync(data, { recursive: true });
  if (!existsSync(join(data, 'local.db'))) {
    const laid = await layFolder(data, Number(values.sessions ?? SESSIONS), benchTraffic());
    say(`laid ${laid.placements} placements of ${laid.sessions} sessions at ${data}`);
  }
  const whole = await run(data, null, null);
  if (whole === null) throw new Error('it did not end');
  const { placements, changes, breaches } = whole.report;
  const [all, own] = whole.cpuMs;
  say(
    `perdure whatif --reading ${READING}: ${placements} placements, ${changes.moved} moved, ${changes.breaches} breaches`,
  );
  say(
    `  wall ${(whole.wallMs / 1000).toFixed(1)} s; CPU ${(all / 1000).toFixed(1)} s, of which ${(own / 1000).toFixed(1)} s in the thread that replays`,
  );
  const rate = (ms: number): string => Math.round((placements / ms) * 1000).toLocaleString('en');
  say(
    `  records/s: ${rate(own)} of the replaying thread, ${rate(all)} with the reading of the store, ${rate(whole.wallMs)} by the clock`,
  );
  say(
    `  resident after each tenth, MB: ${whole.rssMb.map(mb => mb.toFixed(0)).join(' ')}; ${whole.highestMb.toFixed(0)} at most`,
  );
  const state = join(data, 'whatif.state');
  rmSync(state, { force: true });
  await run(data, state, 0.5);
  const resumed = await run(data, state, null);
  const same = resumed !== null && figures(resumed.report) === figures(whole.report);
  const named = JSON.stringify(resumed?.report.breaches) === JSON.stringify(breaches);
  say(
    `killed half-way and gone on in ${((resumed?.wallMs ?? 0) / 1000).toFixed(1)} s: totals ${same && named ? 'equal' : 'DIFFER'}`,
  );
  rmSync(state, { force: true });
  const began = performance.now();
  const right = (await slowly(data)) === figures(whole.report);
  say(`slow reference, ${((performance.now() - began) / 1000).toFixed(0)} s: totals ${right ? 'equal' : 'DIFFER'}`);
  if (values.data === undefined) rmSync(data, { recursive: true, force: true });
  process.exitCode = same && named && right ? 0 : 1;
}
