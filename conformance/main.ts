/** The conformance suite: asks a server of the Responses API what clients rely on. `--help` says more. */
import { writeFileSync } from 'node:fs';
import { schemaChecks } from './checks/schema.ts';
import { type Command, EXIT, HELP, readCommand, UsageError } from './command.ts';
import { asHtml, asJson, asLine, asList, asSummary } from './report.ts';
import { chosen, run, Unreachable } from './run.ts';
import { CHECKS } from './suite.ts';
import { Traffic } from './traffic.ts';

async function perform({ options, list, quiet, json, html }: Command): Promise<number> {
  const checks = chosen([...CHECKS, ...schemaChecks(new Traffic())], options);
  if (checks.length === 0) throw new UsageError('--only and --skip leave no check: --list shows their names');
  if (list) {
    process.stdout.write(asList(checks));
    return EXIT.ok;
  }
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const shown = json !== '-';
  const report = await run({
    ...options,
    onResult: result => {
      if (shown && (!quiet || result.verdict === 'fail')) process.stdout.write(asLine(result, colour));
    },
  });
  process.stdout.write(shown ? asSummary(report) : asJson(report));
  if (json !== null && shown) writeFileSync(json, asJson(report));
  if (html !== null) writeFileSync(html, asHtml(report));
  return report.counts.fail > 0 ? EXIT.failed : EXIT.ok;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    const command = readCommand(argv, process.env);
    if (command !== null) return await perform(command);
    process.stdout.write(HELP);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n--help tells how it is used.\n`);
    else if (error instanceof Unreachable) process.stderr.write(`${error.message}\n`);
    else throw error;
    return EXIT.usage;
  }
}

process.exitCode = await main(process.argv.slice(2));
