import type { AddCommand } from '../cli/command.ts';
import { collect, examples, withConfig, withJson } from '../cli/options.ts';
import type { WhatIfOptions } from '../whatif-command.ts';

export const whatIfCommand: AddCommand = (program, io, done) => {
  const command = program
    .command('whatif')
    .summary('replay what was recorded under other contracts, another reading, other events')
    .description(
      'Decides the recorded placements again on a supposition and tells what would differ: calls moved, refused and freed, by cloud, ' +
        'product, channel and clause; the money moved, by cloud, commitment and share; and what already happened that the supposition forbids. It reads the data ' +
        'folder, beside a running server too, and changes nothing. What is not supposed stays as each placement saw it.',
    );
  withJson(withConfig(command))
    .option('--from <time>', 'recorded then or later, UTC: 2026-03-01 (default: the beginning)')
    .option('--to <time>', 'recorded before, UTC (default: now)')
    .option('--tenant <name>', 'of this tenant only (default: all)')
    .option('--contracts <set>', 'these contract sets instead; several with commas, or repeated', collect)
    .option('--reading <id>', 'read the contracts so; a retrospective reading too')
    .option('--event <id=date>', 'suppose that this happened then; repeat for several', collect)
    .option(
      '--url <address>',
      'of a running server: replay what PERDURE_API_KEY may read there (scope auditor or operator)',
    )
    .option('--state <file>', 'keep the state there: killed half-way, the same command goes on')
    .option('--placements <file>', 'write what would differ there, a line of JSON for each placement')
    .option('--csv <file>', 'write the finest figures there, a row for each kind of change')
    .option('--money-csv <file>', 'write the money moved there, a row for each cloud, commitment and share')
    .option('--jsonl <file>', 'write all figures there, one line of JSON each')
    .option('--html <file>', 'write a report there: one file, for any browser')
    .addHelpText(
      'after',
      examples(
        'perdure whatif --reading microsoft',
        'perdure whatif --from 2026-03-01 --to 2026-04-01 --contracts openai-2026-02,data-handling --html report.html',
        'perdure whatif --reading microsoft --url https://perdure.example.com',
        'perdure whatif --reading substance --state substance.state --json',
      ),
    )
    .action((options: WhatIfOptions) => done(import('../whatif-command.ts').then(({ whatIf }) => whatIf(options, io))));
};
