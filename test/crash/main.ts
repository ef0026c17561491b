/**
 * The crash test: kills the server again and again under load, restarts it, and holds it to what it had said. `--help` says more.
 *
 * Exits 0 only if no law was broken and the kills were as hard as they are meant to be (`missedGoals`).
 */
import { type CrashCommand, EXIT, HELP, readCommand, UsageError } from './command.ts';
import { runHarness } from './harness.ts';
import { asJson, asTable, missedGoals } from './report.ts';

async function run({ options, json }: CrashCommand): Promise<number> {
  const report = await runHarness({ ...options, progress: line => void process.stderr.write(`${line}\n`) });
  process.stdout.write(json ? `${JSON.stringify(asJson(report), null, 2)}\n` : asTable(report));
  return report.violations.total > 0 || missedGoals(report).length > 0 ? EXIT.broken : EXIT.ok;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    // A seed is a whole number above 0.
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
