/** What a turn costs after a compaction, whatever the history that it stands for. */
import { BenchClient } from './client.ts';
import { median, ms, type Row } from './figures.ts';
import { type Started, startServer } from './processes.ts';

const SHORT = 10;
const LONG = 400;
/** Turns measured after each compaction. */
const MEASURED = 40;
const WARM_UP = 10;
/** Bytes of input and of output of a turn. */
const BYTES = 1024;
const THRESHOLD = 4_000;

/** Two sessions, compacted at the same size: their turns after it, in turn, so that both see the same machine. */
export async function compaction(emulator: Started): Promise<readonly Row[]> {
  const server = await startServer(emulator);
  const client = new BenchClient(`${server.url}/v1`);
  const ask = (input: string, previous: string | null, more: object = {}) =>
    client.respond({ model: 'bench', input, ...(previous !== null && { previous_response_id: previous }), ...more });
  const grown = async (turns: number): Promise<string> => {
    let last: string | null = null;
    for (let turn = 1; turn <= turns; turn++) last = (await ask(prompt(turn), last)).id;
    const context_management = [{ type: 'compaction', compact_threshold: THRESHOLD }];
    return (await ask(prompt(0), last, { context_management })).id;
  };
  try {
    const last = { short: await grown(SHORT), long: await grown(LONG) };
    const took: { short: number[]; long: number[] } = { short: [], long: [] };
    for (let turn = 0; turn < WARM_UP + MEASURED; turn++) {
      for (const which of ['short', 'long'] as const) {
        const { id, totalMs } = await ask('Go on.', last[which]);
        last[which] = id;
        if (turn >= WARM_UP) took[which].push(totalMs);
      }
    }
    await client.close();
    const [short, long] = [median(took.short), median(took.long)];
    return [
      {
        what: `a turn after a compaction, history of ${LONG} turns over ${SHORT}`,
        goal: '<= 1.2',
        measured: `${(long / short).toFixed(2)} (${ms(short)} and ${ms(long)}, the upstream's time included)`,
        ratio: long / short / 1.2,
      },
    ];
  } finally {
    await server.remove();
  }
}

function prompt(turn: number): string {
  const head = `[[bytes: ${BYTES}]] Turn ${turn}. `;
  return head + 'lorem ipsum dolor sit amet '.repeat(50).slice(0, BYTES - head.length);
}
