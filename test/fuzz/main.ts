/** The fuzzer: a hundred thousand inputs that nobody should send. `--help` says more. */
import { EXIT, type FuzzCommand, HELP, readCommand, UsageError } from './command.ts';
import { fuzz, type FuzzReport } from './harness.ts';

function asText({ runs, seed, ms, endpoints, sockets, outcomes, passedOn, notes, failures }: FuzzReport): string {
  const counts = Object.entries(outcomes).map(([name, count]) => `${String(count).padStart(8)}  ${name}`);
  const letThrough = Object.entries(passedOn).map(
    ([message, input]) => `\nlet through, and refused by the model: ${message}\n  ${input}\n`,
  );
  const found = failures.map(({ what, repro }) => `\n${what}\n  ${repro}`);
  const seconds = (ms / 1000).toFixed(1);
  return `${counts.join('\n')}\n${letThrough.join('')}${notes.map(note => `\n${note}`).join('')}${found.join('\n')}\n${runs} inputs to ${endpoints} endpoints${sockets ? ' and over WebSockets' : '; no WebSockets here'}, in ${seconds} s, seed ${seed}: ${failures.length} breaches\n`;
}

async function run({ options, json }: FuzzCommand): Promise<number> {
  const report = await fuzz({ ...options, progress: line => void process.stderr.write(`${line}\n`) });
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : asText(report));
  return report.failures.length > 0 ? EXIT.broken : EXIT.ok;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    const command = readCommand(argv, 1 + (Date.now() % 1_000_000));
    if (command !== null) return await run(command);
    process.stdout.write(HELP);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${HELP}`);
    return EXIT.usage;
  }
}

process.exitCode = await main(process.argv.slice(2));
