/** Rows 3 and 4: what a long session costs, in time and in bytes. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BenchClient } from './client.ts';
import { median, ms, type Row } from './figures.ts';
import { type ServerStarted, type Started, startServer } from './processes.ts';

const CHAINS = 6;
const TURNS = 200;
/** Bytes of input and of output a turn: 2 KB together. */
const INPUT_BYTES = 1024;
const OUTPUT_BYTES = 1024;
/** Turns on each side of turn 10 and turn 200 that are measured with it. */
const AROUND = 5;
const READY_TRIES = 200;

interface Item {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** Each turn through the server and, with the same history sent in full, directly: the difference is the server's own. */
export async function growth(emulator: Started): Promise<readonly Row[]> {
  const fresh = await startServer(emulator);
  await ready(fresh);
  await fresh.stop();
  const empty = storedBytes(fresh);
  const server = await fresh.again();
  const direct = new BenchClient(`${emulator.url}/azure/v1`);
  const perdure = new BenchClient(`${server.url}/v1`);
  const early: number[] = [];
  const late: number[] = [];
  let raw = 0;
  try {
    for (let chain = 0; chain < CHAINS; chain++) {
      const history: Item[] = [];
      let previous: string | null = null;
      for (let turn = 1; turn <= TURNS; turn++) {
        const input = prompt(chain, turn);
        const through = await perdure.respond({
          model: 'bench',
          input,
          ...(previous !== null && { previous_response_id: previous }),
        });
        previous = through.id;
        history.push({ role: 'user', content: input });
        raw += input.length + through.text.length;
        const kind = turn <= 10 && turn > 10 - AROUND ? early : turn > TURNS - AROUND ? late : null;
        if (kind !== null) kind.push(through.totalMs - (await directly(direct, history)));
        history.push({ role: 'assistant', content: through.text });
      }
    }
    await perdure.close();
    await direct.close();
    await server.stop();
    return [timeRow(early, late), storageRow(storedBytes(server) - empty, raw)];
  } finally {
    await server.remove();
  }
}

/** A server that is stopped while it still looks for unfinished turns ends in a hurry. */
async function ready({ url }: ServerStarted): Promise<void> {
  for (let i = 0; i < READY_TRIES; i++) {
    if ((await fetch(`${url}/readyz`)).ok) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error('the server does not get ready');
}

/** The best of three: the direct call is the floor that is taken off. */
async function directly(client: BenchClient, history: readonly Item[]): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < 3; i++)
    took.push((await client.respond({ model: 'bench', input: history, store: false })).totalMs);
  return median(took);
}

function prompt(chain: number, turn: number): string {
  const head = `[[bytes: ${OUTPUT_BYTES}]] Chain ${chain}, turn ${turn}. `;
  return head + 'lorem ipsum dolor sit amet '.repeat(50).slice(0, INPUT_BYTES - head.length);
}

function timeRow(early: readonly number[], late: readonly number[]): Row {
  const ratio = median(late) / median(early);
  return {
    what: `server overhead at turn ${TURNS} over turn 10`,
    goal: '<= 1.2',
    measured: `${ratio.toFixed(2)} (${ms(median(early))} at turn 10, ${ms(median(late))} at turn ${TURNS})`,
    ratio: ratio / 1.2,
  };
}

/** The store's files, after an orderly stop. An empty store has a page for each table: what turns add is counted from there. */
function storedBytes(server: ServerStarted): number {
  const files = readdirSync(server.data).filter(name => name.endsWith('.db') || name.endsWith('.db-wal'));
  return files.reduce((sum, name) => sum + statSync(join(server.data, name)).size, 0);
}

function storageRow(stored: number, raw: number): Row {
  const turns = TURNS * CHAINS;
  const goal = 1.3 * raw + 1536 * turns;
  return {
    what: `bytes stored after ${TURNS} turns of 2 KB`,
    goal: '<= 1.3 x raw + 1.5 KB a turn',
    measured: `${(stored / raw).toFixed(2)} x raw (${Math.round(stored / turns)} bytes a turn, ${Math.round(raw / turns)} of them raw, goal ${Math.round(goal / turns)})`,
    ratio: stored / goal,
  };
}
