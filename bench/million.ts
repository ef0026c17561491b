/**
 * `npm run ledger:million`: a log of a million placements, sealed, verified by `perdure ledger verify` and by a program in Go that shares no code
 * with us; then one bit of it is flipped, and both must refuse it, ours naming the leaf. Exits with 1 if any of that comes out otherwise.
 *
 *     npm run ledger:million -- [--leaves N] [--leaf N] [--keep]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { decodeEntries } from '../packages/server/src/ledger/entries.ts';
import { TILE_WIDTH, tilePath, widthAt } from '../packages/server/src/ledger/tile.ts';
import { buildGoVerifier, type GoVerifier } from '../test/support/go.ts';
import { ms } from './figures.ts';
import { fillHome, HOME, placementOf, proveById, sealHome } from './ledger-log.ts';

const CLI = fileURLToPath(new URL('../packages/server/bin/perdure.mjs', import.meta.url));
const PROOFS = 1000;

const { values } = parseArgs({
  options: { leaves: { type: 'string' }, leaf: { type: 'string' }, keep: { type: 'boolean' } },
});
const leaves = numberOf('leaves', values.leaves ?? '1000000', 1, 100_000_000);
const broken = numberOf('leaf', values.leaf ?? String(Math.floor(leaves * 0.7)), 0, leaves - 1);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const wrong: string[] = [];
const must = (holds: boolean, what: string): void => {
  if (holds) return;
  wrong.push(what);
  say(`WRONG: ${what}`);
};

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`--${name} takes a number from ${least} to ${most}, not ${text}`);
}

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  const start = performance.now();
  const result = await work();
  say(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  return result;
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
}

/** The shipped command, in a process of its own. */
function perdure(...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
  if (status !== 0 && stdout === '') say(stderr);
  return { code: status, out: stdout };
}

async function goVerifier(): Promise<GoVerifier | null> {
  try {
    return await buildGoVerifier();
  } catch (error) {
    say(`SKIPPED: the independent verifier: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** Flips a bit of the digest of a leaf, in its bundle. */
function flip(log: string, leaf: number): string {
  const index = Math.floor(leaf / TILE_WIDTH);
  const width = widthAt(leaves, 'entries', index);
  const path = join(log, tilePath({ level: 'entries', index, width }));
  const bytes = readFileSync(path);
  const entry = decodeEntries(bytes, width)?.[leaf % TILE_WIDTH];
  if (entry === undefined) throw new Error(`${path} is no bundle`);
  // A view of the bundle: what is changed in it is changed there.
  entry[entry.length - 10] = (entry[entry.length - 10] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return path;
}

const indented = (text: string): string => text.trimEnd().replaceAll(/^/gm, '          ');

async function run(data: string, go: GoVerifier | null): Promise<void> {
  const log = join(data, 'ledger', HOME);
  await timed(`a home of ${leaves} placements made`, () => fillHome(data, leaves));
  const sealing = await timed("sealed by the ledger's thread", () => sealHome(data, leaves));
  say(`          ${Math.round(leaves / sealing.seconds)} leaves/s, ${sealing.cpuUs.toFixed(1)} us of CPU a leaf`);
  const key = readFileSync(join(log, 'keys'), 'utf8').trim();

  const whole = await timed(`perdure ledger verify ${log}`, () => perdure('ledger', 'verify', log, '--key', key));
  say(indented(whole.out));
  must(whole.code === 0 && whole.out.includes(`${leaves} placement`), 'the whole log is not accepted');

  if (go !== null) {
    const said = await timed('the verifier in Go', () => go.verify(log, [key]));
    say(`          ${JSON.stringify(said)}`);
    must(said.size === leaves, 'the verifier in Go saw another size');
  }

  const proofs = await timed(`${PROOFS} placements proven by their ids`, () => proveById(data, leaves, PROOFS));
  say(`          ${ms(proofs.p50)} p50, ${ms(proofs.p99)} p99 each`);
  say(`          one of them: ${placementOf(broken + 1)}`);

  say(`          one bit of leaf ${broken} is flipped, in ${flip(log, broken)}`);
  const refused = await timed('perdure ledger verify', () => perdure('ledger', 'verify', log, '--key', key));
  say(indented(refused.out));
  must(refused.code === 3, `verify ended with ${refused.code}, not with 3`);
  must(refused.out.includes(`FAULT   leaf ${broken}:`), 'verify does not name the leaf');
  if (go === null) return;
  const failure = await timed('the verifier in Go', () => go.verify(log, [key]).then(() => null, String));
  say(`          ${failure ?? 'accepts it'}`);
  must(failure !== null, 'the verifier in Go accepts it');
}

const data = mkdtempSync(join(tmpdir(), 'perdure-million-'));
const go = await goVerifier();
try {
  await run(data, go);
} finally {
  go?.remove();
  if (values.keep === true) say(`kept: ${data}`);
  else rmSync(data, { recursive: true, force: true });
}
say(wrong.length === 0 ? 'All as it must be.' : `${wrong.length} wrong.`);
process.exitCode = wrong.length === 0 ? 0 : 1;
