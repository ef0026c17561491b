import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { ReportName, ReportOptions } from '../report-command.ts';

const REPORTS: readonly (readonly [name: ReportName, summary: string, description: string])[] = [
  [
    'statefulness',
    'sessions that were stateful in name only',
    'Which sessions never used their state, as the reading substance of the contract in force has it (else: one turn at most, nothing ' +
      'read back, no memory, tool or file), by their logs, and what share of calls, tokens, cost and revenue they carry.',
  ],
  [
    'visibility',
    'what each host cloud could see',
    'What each cloud could see of the workload: calls, tokens and sessions that its machines were asked, sessions whose state it ' +
      'keeps, tools that ran there, products and labels.',
  ],
  [
    'lock-in',
    'calls that had one legal target only',
    'How many calls the clauses left one target, how many had one configured at all, and which clauses left them there.',
  ],
];

export const reportCommand: AddCommand = (program, io, done) => {
  const report = program
    .command('report')
    .summary('report on what was recorded')
    .description(
      'Reports over the recorded placements of the data folder. A server may be using it; nothing is changed.',
    );
  report.addHelpText(
    'after',
    examples('perdure report statefulness', 'perdure report lock-in --from 2026-03-01 --json'),
  );
  for (const [name, summary, description] of REPORTS)
    withJson(withConfig(report.command(name)))
      .summary(summary)
      .description(description)
      .option('--from <time>', 'recorded then or later, UTC: 2026-03-01 (default: the beginning)')
      .option('--to <time>', 'recorded before, UTC (default: all)')
      .option('--tenant <name>', "of this tenant only (default: all; with --url, the key's own; * is all)")
      .option('--url <address>', 'of a running server, with the PERDURE_API_KEY of an auditor or operator')
      .addHelpText('after', examples(`perdure report ${name}`, `perdure report ${name} --tenant acme --json`))
      .action((options: ReportOptions) =>
        done(import('../report-command.ts').then(module => module.report(name, options, io))),
      );
};
