/** Rows 1 and 2: what the server adds to a stateless call and to a durable turn. */
import { BenchClient } from './client.ts';
import { figures, type Figures, ms, type Row } from './figures.ts';
import type { Started } from './processes.ts';

/** p99 of them is the 60th worst: of 1,500 it was the 15th, and came out between 1.0 and 1.7 ms of one build within an hour. */
const ROUNDS = 6000;
/**
 * Calls of each side before any is counted: a server that has just started runs in V8's interpreter, and its optimising compilers are done with all of
 * a call's path only after some ten thousand. A third of what is added to a stateless call after 1,500 is gone by then.
 */
const WARM_UP = 12_000;
const PROMPT = 'The capital of Elbonia is Mudville. What is the capital of Elbonia?';

/** Each side's server, and what is taken of a call to it. */
type Sides<Name extends string> = {
  readonly [side in Name]: readonly [url: string, timed: (client: BenchClient) => Promise<number>];
};

/** Calls the sides in turn, A B C A B C..., so that a drift of the machine's speed meets all alike. */
async function inTurn<Name extends string>(sides: Sides<Name>): Promise<{ readonly [side in Name]: Figures }> {
  const names = Object.keys(sides) as Name[];
  const measured = names.map(name => {
    const [url, timed] = sides[name];
    return { name, timed, client: new BenchClient(url), sample: [] as number[] };
  });
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const { timed, client, sample } of measured) {
      const took = await timed(client);
      if (round >= 0) sample.push(took);
    }
  }
  for (const { client } of measured) await client.close();
  return Object.fromEntries(measured.map(({ name, sample }) => [name, figures(sample)])) as { [side in Name]: Figures };
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

/**
 * The same figures as shares of what a relay takes that keeps a record: it says the same on a quick machine and on a slow one, where a
 * difference in milliseconds grows with everything else (decision 0013).
 */
function shareRows(what: string, goal: number, perdure: Figures, keeping: Figures): readonly Row[] {
  return (['p50', 'p99'] as const).map(at => {
    const share = perdure[at] / keeping[at];
    return {
      what: `${what}, ${at} over that of a relay that commits`,
      goal: `<= ${goal} x`,
      measured: `${share.toFixed(2)} x`,
      ratio: share / goal,
    };
  });
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
  const body = { model: 'bench', input: PROMPT, store: false, max_output_tokens: 256 };
  const total = async (client: BenchClient): Promise<number> => (await client.respond(body)).totalMs;
  const { direct, relay, keeping, perdure } = await inTurn({
    direct: [`${floors.emulator.url}/azure/v1`, total],
    relay: [`${floors.bare.url}/azure/v1`, total],
    keeping: [`${floors.beside.url}/azure/v1`, total],
    perdure: [`${server.url}/v1`, total],
  });
  const rows = rowsOf({
    what: 'stateless call: added over a bare relay',
    added: addedTo(perdure, relay),
    goals: { p50: 0.2, p99: 1 },
    sides: { direct, relay, 'relay that commits': keeping, perdure },
  });
  return [...rows, ...shareRows('stateless call', 1.5, perdure, keeping)];
}

export async function durableTurn(
  floors: { readonly emulator: Started; readonly before: Started },
  server: Started,
): Promise<readonly Row[]> {
  const body = { model: 'bench', input: PROMPT, stream: true };
  const first = async (client: BenchClient): Promise<number> => (await client.respond(body)).firstMs;
  const unstored = async (client: BenchClient): Promise<number> =>
    (await client.respond({ ...body, store: false })).firstMs;
  const { direct, keeping, perdure } = await inTurn({
    direct: [`${floors.emulator.url}/azure/v1`, unstored],
    keeping: [`${floors.before.url}/azure/v1`, unstored],
    perdure: [`${server.url}/v1`, first],
  });
  const rows = rowsOf({
    what: 'durable turn: added time to first token',
    added: addedTo(perdure, direct),
    goals: { p50: 1.5, p99: 4 },
    sides: { direct, 'relay that commits twice': keeping, perdure },
  });
  return [...rows, ...shareRows('durable turn: time to first token', 2, perdure, keeping)];
}
