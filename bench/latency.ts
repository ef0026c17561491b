/** Rows 1 and 2: what the server adds to a stateless call and to a durable turn. */
import { BenchClient } from './client.ts';
import { figures, type Figures, ms, type Row } from './figures.ts';
import type { Started } from './processes.ts';

const ROUNDS = 1500;
const WARM_UP = 1500;
const PROMPT = 'The capital of Elbonia is Mudville. What is the capital of Elbonia?';

interface Sides {
  readonly [side: string]: () => Promise<number>;
}

/** Calls the sides in turn, A B C A B C..., so that a drift of the machine's speed meets all alike. */
async function inTurn(sides: Sides, rounds: number): Promise<{ readonly [side: string]: Figures }> {
  const samples: { [side: string]: number[] } = {};
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [side, call] of Object.entries(sides)) {
      const took = await call();
      if (round >= 0) (samples[side] ??= []).push(took);
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([side, sample]) => [side, figures(sample)]));
}

const addedTo = (side: Figures, floor: Figures): { readonly p50: number; readonly p99: number } => ({
  p50: side.p50 - floor.p50,
  p99: side.p99 - floor.p99,
});

interface Measured {
  readonly what: string;
  readonly added: { readonly p50: number; readonly p99: number };
  readonly goals: { readonly p50: number; readonly p99: number };
  readonly sides: { readonly [name: string]: Figures };
}

/** A row for the median and one for the tail, each with all sides beside it. */
function rowsOf({ what, added, goals, sides }: Measured): readonly Row[] {
  return (['p50', 'p99'] as const).map(at => ({
    what: `${what}, ${at}`,
    goal: `<= ${goals[at]} ms`,
    measured: `${ms(added[at])} (${Object.entries(sides)
      .map(([name, side]) => `${name} ${ms(side[at])}`)
      .join(', ')})`,
    ratio: added[at] / goals[at],
  }));
}

export async function passThrough(
  floors: { readonly emulator: Started; readonly bare: Started; readonly beside: Started },
  server: Started,
): Promise<readonly Row[]> {
  const clients = {
    direct: new BenchClient(`${floors.emulator.url}/azure/v1`),
    relay: new BenchClient(`${floors.bare.url}/azure/v1`),
    keeping: new BenchClient(`${floors.beside.url}/azure/v1`),
    perdure: new BenchClient(`${server.url}/v1`),
  };
  const body = { model: 'bench', input: PROMPT, store: false, max_output_tokens: 256 };
  const took = await inTurn(
    Object.fromEntries(
      Object.entries(clients).map(([name, client]) => [name, async () => (await client.respond(body)).totalMs]),
    ),
    ROUNDS,
  );
  await Promise.all(Object.values(clients).map(client => client.close()));
  const { direct, relay, keeping, perdure } = took;
  if (direct === undefined || relay === undefined || keeping === undefined || perdure === undefined)
    throw new Error('a side was not measured');
  return rowsOf({
    what: 'stateless call: added over a bare relay',
    added: addedTo(perdure, relay),
    goals: { p50: 0.2, p99: 1 },
    sides: { direct, relay, 'relay that commits': keeping, perdure },
  });
}

export async function durableTurn(
  floors: { readonly emulator: Started; readonly before: Started },
  server: Started,
): Promise<readonly Row[]> {
  const clients = {
    direct: new BenchClient(`${floors.emulator.url}/azure/v1`),
    keeping: new BenchClient(`${floors.before.url}/azure/v1`),
    perdure: new BenchClient(`${server.url}/v1`),
  };
  const body = { model: 'bench', input: PROMPT, stream: true };
  const took = await inTurn(
    {
      direct: async () => (await clients.direct.respond({ ...body, store: false })).firstMs,
      keeping: async () => (await clients.keeping.respond({ ...body, store: false })).firstMs,
      perdure: async () => (await clients.perdure.respond(body)).firstMs,
    },
    ROUNDS,
  );
  await Promise.all(Object.values(clients).map(client => client.close()));
  const { direct, keeping, perdure } = took;
  if (direct === undefined || keeping === undefined || perdure === undefined)
    throw new Error('a side was not measured');
  return rowsOf({
    what: 'durable turn: added time to first token',
    added: addedTo(perdure, direct),
    goals: { p50: 1.5, p99: 4 },
    sides: { direct, 'relay that commits twice': keeping, perdure },
  });
}
