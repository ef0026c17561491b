import { parseArgs } from 'node:util';
import { type Fault, parseFault } from './faults.ts';
import { DEFAULT_CLOUDS, type Emulator, type EmulatorOptions } from './options.ts';
import { startEmulator } from './server.ts';

const HELP = `Usage: perdure emulator [options]

Stands in for model providers over HTTP, for tests, demonstrations and benchmarks. It is not a model: it answers with
what it is sent, the same every time, and says "emulated" in every answer.

Options
  --port N              port to listen on (default 0: any free one)
  --host ADDRESS        address to listen on (default 127.0.0.1)
  --clouds A,B          names to serve under (default ${DEFAULT_CLOUDS.join(',')})
  --api-key KEY         a key to ask for; may be given several times (default: none asked for)
  --latency MS          time of each token
  --first-token MS      time of the first token
  --fault "WORDS"       a fault of every request, as in "status 429 retry-after 2"; may be given several times
  --record-bodies       keep the last 50 bodies in the request log
  --seed TEXT           enters every id
  --exit-with-parent    end when standard input is closed
  --json                print one JSON line with the addresses
  --help                print this

Examples
  perdure emulator --port 4010 --clouds azure,aws
  perdure emulator --fault "cut 5" --json
  curl -d '{"match":{"cloud":"aws"},"fault":"status 503","times":2}' http://127.0.0.1:4010/_emulator/faults
`;

interface Command {
  readonly options: EmulatorOptions;
  readonly json: boolean;
  readonly exitWithParent: boolean;
}

class UsageError extends Error {}

const wholeNumber = (name: string, text: string, most: number): number => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) throw new UsageError(`--${name} takes a whole number up to ${most}, not "${text}"`);
  return value;
};

const faultFrom = (words: string): Fault => {
  const fault = parseFault(words);
  if (fault === null) throw new UsageError(`"${words}" is no fault; see --help`);
  return fault;
};

/** Null: only help was asked for. */
function readCommand(argv: readonly string[]): Command | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const list = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: text,
      host: text,
      clouds: text,
      'api-key': list,
      latency: text,
      'first-token': text,
      fault: list,
      seed: text,
      'record-bodies': flag,
      'exit-with-parent': flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help === true) return null;
  const defaults = (values.fault ?? []).map(faultFrom);
  if (values.latency !== undefined) defaults.push(faultFrom(`latency ${values.latency}`));
  if (values['first-token'] !== undefined) defaults.push(faultFrom(`first-token ${values['first-token']}`));
  return {
    options: {
      host: values.host ?? '127.0.0.1',
      port: wholeNumber('port', values.port ?? '0', 65_535),
      clouds: values.clouds === undefined ? DEFAULT_CLOUDS : values.clouds.split(',').map(name => name.trim()),
      apiKeys: values['api-key'] ?? [],
      defaults,
      recordBodies: values['record-bodies'] ?? false,
      ...(values.seed === undefined ? {} : { seed: values.seed }),
    },
    json: values.json ?? false,
    exitWithParent: values['exit-with-parent'] ?? false,
  };
}

function untilToldToEnd(exitWithParent: boolean): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      process.off('SIGTERM', end);
      process.off('SIGINT', end);
      if (exitWithParent) process.stdin.pause();
      resolve();
    };
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
    if (!exitWithParent) return;
    process.stdin.once('end', end);
    process.stdin.once('close', end);
    process.stdin.once('error', end);
    process.stdin.resume();
  });
}

const announcement = ({ url, clouds, baseUrl }: Emulator, json: boolean): string =>
  json
    ? JSON.stringify({ url, clouds: Object.fromEntries(clouds.map(cloud => [cloud, baseUrl(cloud)])) })
    : `perdure emulator (EMULATED, not a model) listening on ${url}`;

/** Runs until SIGTERM or SIGINT (or the end of its parent). Resolves to the exit code: 0, 1 if it cannot listen, 2 on bad usage. */
export async function runEmulatorCommand(argv: readonly string[]): Promise<number> {
  let command: Command | null;
  try {
    command = readCommand(argv);
  } catch (error) {
    process.stderr.write(`perdure emulator: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (command === null) {
    process.stdout.write(HELP);
    return 0;
  }
  let emulator: Emulator;
  try {
    emulator = await startEmulator(command.options);
  } catch (error) {
    process.stderr.write(`perdure emulator: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  process.stdout.write(`${announcement(emulator, command.json)}\n`);
  await untilToldToEnd(command.exitWithParent);
  await emulator.close();
  return 0;
}
