/** Rows 1 and 2: what the server adds to a stateless call and to a durable turn. */
import { BenchClient } from './client.ts';
import { figures, type Figures, ms, type Row } from './figures.ts';
import type { Started } from './processes.ts';

const ROUNDS = 1500;
const WARM_UP = 300;
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

export async function passThrough(emulator: Started, relay: Started, server: Started): Promise<readonly Row[]> {
  const clients = {
    direct: new BenchClient(`${emulator.url}/azure/v1`),
    relay: new BenchClient(`${relay.url}/azure/v1`),
    perdure: new BenchClient(`${server.url}/v1`),
  };
  const body = { model: 'bench', input: PROMPT, store: false, max_output_tokens: 256 };
  const took = await inTurn(
    {
      direct: async () => (await clients.direct.respond(body)).totalMs,
      relay: async () => (await clients.relay.respond(body)).totalMs,
      perdure: async () => (await clients.perdure.respond(body)).totalMs,
    },
    ROUNDS,
  );
  await Promise.all(Object.values(clients).map(client => client.close()));
  const { direct, relay: floor, perdure } = took;
  if (direct === undefined || floor === undefined || perdure === undefined) throw new Error('a side was not measured');
  const added = { p50: perdure.p50 - floor.p50, p99: perdure.p99 - floor.p99 };
  const sides = `direct ${ms(direct.p50)}, relay ${ms(floor.p50)}, perdure ${ms(perdure.p50)}`;
  return [
    {
      what: 'stateless call: added over a bare relay, p50',
      goal: '<= 0.2 ms',
      measured: `${ms(added.p50)} (${sides})`,
      ratio: added.p50 / 0.2,
    },
    {
      what: 'stateless call: added over a bare relay, p99',
      goal: '<= 1 ms',
      measured: `${ms(added.p99)} (relay ${ms(floor.p99)}, perdure ${ms(perdure.p99)})`,
      ratio: added.p99 / 1,
    },
  ];
}

export async function durableTurn(emulator: Started, server: Started): Promise<readonly Row[]> {
  const direct = new BenchClient(`${emulator.url}/azure/v1`);
  const perdure = new BenchClient(`${server.url}/v1`);
  const body = { model: 'bench', input: PROMPT, stream: true };
  const took = await inTurn(
    {
      direct: async () => (await direct.respond({ ...body, store: false })).firstMs,
      perdure: async () => (await perdure.respond(body)).firstMs,
    },
    ROUNDS,
  );
  await Promise.all([direct.close(), perdure.close()]);
  const { direct: floor, perdure: durable } = took;
  if (floor === undefined || durable === undefined) throw new Error('a side was not measured');
  const added = { p50: durable.p50 - floor.p50, p99: durable.p99 - floor.p99 };
  return [
    {
      what: 'durable turn: added time to first token, p50',
      goal: '<= 1.5 ms',
      measured: `${ms(added.p50)} (direct ${ms(floor.p50)}, perdure ${ms(durable.p50)})`,
      ratio: added.p50 / 1.5,
    },
    {
      what: 'durable turn: added time to first token, p99',
      goal: '<= 4 ms',
      measured: `${ms(added.p99)} (direct ${ms(floor.p99)}, perdure ${ms(durable.p99)})`,
      ratio: added.p99 / 4,
    },
  ];
}
