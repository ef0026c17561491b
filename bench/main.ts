/**
 * `npm run bench`: the numbers of the design, each as a ratio against a floor of the same run. What it does not measure is said at the end.
 */
import { compaction } from './compaction.ts';
import { table, TOLERANCE, type Row } from './figures.ts';
import { growth } from './growth.ts';
import { durableTurn, passThrough } from './latency.ts';
import { benchLedger } from './ledger.ts';
import { idleMemory } from './memory.ts';
import { benchPlacement } from './placement.ts';
import { startEmulator, startRelay, startServer } from './processes.ts';
import { benchStreams, STREAMS } from './streams.ts';
import { benchShadow } from './shadow.ts';
import { benchWhatIf } from './whatif.ts';
import { benchWaiting, WAITING } from './waiting.ts';
import { benchWorkspace } from './workspace.ts';

const given = process.argv.slice(2);
const wanted = given.filter(
  (argument, i) => !argument.startsWith('--') && !['--minutes', '--sessions'].includes(given[i - 1] ?? ''),
);
/** The number after `--name`. */
const numberOf = (name: string, otherwise: number): number => {
  const at = given.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(given[at + 1]);
};
const wants = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
const rows: Row[] = [];
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const emulator = await startEmulator();
try {
  if (wants('latency')) {
    say('latency: direct, relay and server in turn ...');
    const relays = [
      await startRelay(emulator.url),
      await startRelay(emulator.url, 'beside'),
      await startRelay(emulator.url, 'before'),
    ] as const;
    const [bare, beside, before] = relays;
    const server = await startServer(emulator);
    rows.push(
      ...(await passThrough({ emulator, bare, beside }, server)),
      ...(await durableTurn({ emulator, before }, server)),
    );
    for (const relay of relays) await relay.stop();
    await server.remove();
  }
  if (wants('growth')) {
    say('growth: sessions of 200 turns ...');
    rows.push(...(await growth(emulator)));
  }
  if (wants('compaction')) {
    say('compaction: a long history and a short one ...');
    rows.push(...(await compaction(emulator)));
  }
  if (wants('placement')) {
    say('placement ...');
    const { p50Us, p99Us, firstP50Us, clauses, targets } = benchPlacement();
    const what = `placement decision, ${clauses} clauses x ${targets} targets, explained`;
    const us = (value: number): string => `${value.toFixed(1)} us`;
    rows.push(
      { what, goal: '<= 100 us', measured: `${us(p50Us)} p50, ${us(p99Us)} p99`, ratio: p50Us / 100 },
      {
        what: `${what}, facts never seen before`,
        goal: '<= 100 us',
        measured: `${us(firstP50Us)} p50`,
        ratio: firstP50Us / 100,
      },
    );
  }
  if (wants('ledger')) {
    say('ledger: a million leaves ...');
    rows.push(...(await benchLedger()));
  }
  if (wants('whatif')) {
    say('whatif: a million records ...');
    const { perSecond, heapMb, records, changed } = benchWhatIf();
    rows.push(
      {
        what: `what-if replay of ${records} records (${changed} change), per core`,
        goal: '>= 50,000/s',
        measured: `${Math.round(perSecond)}/s`,
        ratio: 50_000 / perSecond,
      },
      {
        what: 'what-if replay, heap at the end against that after a tenth',
        goal: '<= 1.25',
        measured: `${heapMb[0].toFixed(1)} -> ${heapMb[1].toFixed(1)} MB`,
        ratio: heapMb[1] / heapMb[0] / 1.25,
      },
    );
  }
  if (wants('shadow')) {
    say('shadow: seasons of calls over commitments ...');
    rows.push(...(await benchShadow()));
  }
  if (wants('workspace')) {
    say('workspace: trivial commands ...');
    rows.push(...(await benchWorkspace()));
  }
  if (wants('streams')) {
    say('streams: 500 at once through a relay and the server ...');
    rows.push(...(await benchStreams({ ...STREAMS, minutes: numberOf('minutes', 0) }, say)));
  }
  // Ten minutes and more: only where it is asked for.
  if (wanted.includes('waiting')) {
    say('waiting: sessions that wait for a person ...');
    rows.push(...(await benchWaiting(emulator, say, numberOf('sessions', WAITING))));
  }
  if (wants('memory')) {
    say('memory ...');
    rows.push(...(await idleMemory(emulator)));
  }
} finally {
  await emulator.stop();
}

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(rows)}\n`);
else {
  process.stdout.write(`${table(rows)}\n\n`);
  process.stdout.write(
    'The upstream is the emulator, on this machine: figures are what the server adds, not what a model takes. Not measured here:\n' +
      'real networks, PostgreSQL. Goals and the machine they were set for: bench/README.md.\n',
  );
}
process.exitCode = rows.some(row => !(row.ratio <= TOLERANCE)) ? 1 : 0;
