import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson, WORKPLACE } from '../cli/options.ts';
import type { CloseOptions, RestateOptions } from '../closes-command.ts';
import type { ExportOptions, ReconcileOptions, UsageOptions } from '../usage-command.ts';

const WHERE = `${WORKPLACE}.`;
const DIMENSIONS =
  'tenant, key, product, channel, seller, segment, target, cloud, region, accelerator, vendor, model, purpose, clause, ' +
  'contract, outcome, metered, day, month';

export const usageCommand: AddCommand = (program, io, done) => {
  const usage = program
    .command('usage')
    .summary('show what calls used, cost and brought')
    .description(`Sums of metered calls by any dimensions: ${DIMENSIONS}. ${WHERE}`);
  withJson(withConfig(usage))
    .option('--from <time>', 'calls from then on, UTC: 2026-03-01 (default: the first of this month)')
    .option('--to <time>', 'calls before then, UTC (default: now)')
    .option('--by <dimensions>', 'with commas between them (default: product,cloud)')
    .option('--tenant <name>', 'of this tenant only (default: of all)')
    .addHelpText(
      'after',
      examples(
        'perdure usage',
        'perdure usage --from 2026-03-01 --to 2026-04-01 --by product,cloud,model',
        'perdure usage reconcile bill.csv --from 2026-03-01 --to 2026-04-01',
        'perdure usage export --format csv --dataset cost-and-usage > usage.csv',
        'perdure usage close 2026-03',
        'perdure usage restate 2026-03 --reason "a discount was left out"',
      ),
    )
    .action((options: UsageOptions) => done(import('../usage-command.ts').then(({ usage: run }) => run(options, io))));

  withJson(withConfig(usage.command('reconcile')))
    .summary("compare a provider's bill with our record")
    .description(
      'Reads a bill as CSV with a header, or as JSON lines. Columns: request_id (the id of the request or the response at the provider), ' +
        'amount_usd, and, if there are, input_tokens and output_tokens. Lists what differs and what either side lacks. Ends with 3 if they do ' +
        'not agree.',
    )
    .argument('<file>', 'the bill: .csv, or .jsonl')
    .option('--from <time>', 'our calls from then on, UTC (default: the first of this month)')
    .option('--to <time>', 'our calls before then, UTC (default: now)')
    .option('--target <id>', 'calls to this target only')
    .addHelpText(
      'after',
      examples('perdure usage reconcile bill.csv --from 2026-03-01 --to 2026-04-01 --target azure-east'),
    )
    .action((file: string, _: unknown, command: { optsWithGlobals(): ReconcileOptions }) =>
      done(
        import('../usage-command.ts').then(({ usageReconcile }) => usageReconcile(file, command.optsWithGlobals(), io)),
      ),
    );

  withConfig(usage.command('export'))
    .summary('write FOCUS 1.3 rows')
    .description(
      'Writes rows in the FOCUS 1.3 form (focus.finops.org) to standard output: a charge for each meter of each call.',
    )
    .option('--format <name>', 'csv or jsonl (default: csv)')
    .option('--dataset <name>', 'cost-and-usage or contract-commitment (default: cost-and-usage)')
    .option('--from <time>', 'billing months from then on, UTC (default: the first of this month)')
    .option('--to <time>', 'billing months before then, UTC (default: now)')
    .option('--tenant <name>', 'of this tenant only (default: of all)')
    .addHelpText(
      'after',
      examples('perdure usage export --from 2026-03-01 --to 2026-04-01 --format jsonl > march.jsonl'),
    )
    .action((_: unknown, command: { optsWithGlobals(): ExportOptions }) =>
      done(import('../usage-command.ts').then(({ usageExport }) => usageExport(command.optsWithGlobals(), io))),
    );

  withJson(withConfig(usage.command('close')))
    .summary('close a billing month')
    .description(
      'Keeps what a month was rated by: price books, shares and commitments. What is metered for it later comes as a correction in the ' +
        `month that is open then: what was exported stands. ${WHERE}`,
    )
    .argument('<month>', 'as 2026-03')
    .addHelpText('after', examples('perdure usage close 2026-03'))
    .action((month: string, _: unknown, command: { optsWithGlobals(): CloseOptions }) =>
      done(import('../closes-command.ts').then(({ usageClose }) => usageClose(month, command.optsWithGlobals(), io))),
    );

  withJson(withConfig(usage.command('restate')))
    .summary('rate a closed month anew')
    .description(
      'Rates a closed month by the price books and the contracts of today. The difference comes as corrections in the month that is open ' +
        `now; what was billed first stands. Ends with 3 if nothing would change. ${WHERE}`,
    )
    .argument('<month>', 'as 2026-03')
    .requiredOption('--reason <text>', 'why; kept with who did it and when')
    .addHelpText(
      'after',
      examples('perdure usage restate 2026-03 --reason "the price book lacked the discount of March"'),
    )
    .action((month: string, _: unknown, command: { optsWithGlobals(): RestateOptions }) =>
      done(
        import('../closes-command.ts').then(({ usageRestate }) => usageRestate(month, command.optsWithGlobals(), io)),
      ),
    );

  withJson(withConfig(usage.command('closes')))
    .summary('list closed months and their restatements')
    .description(`Which months are closed, when and by whom, and what they were restated for. ${WHERE}`)
    .addHelpText('after', examples('perdure usage closes'))
    .action((_: unknown, command: { optsWithGlobals(): CloseOptions }) =>
      done(import('../closes-command.ts').then(({ usageCloses }) => usageCloses(command.optsWithGlobals(), io))),
    );
};
