import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { GrantOptions, ListOptions, RecordOptions } from '../waivers-command.ts';
import { WHERE } from './active.ts';

export const waiversCommand: AddCommand = (program, io, done) => {
  const waivers = program
    .command('waivers')
    .summary('clauses that are not enforced for a time')
    .description(`Time-boxed waivers of clauses. ${WHERE}`);
  waivers.addHelpText('after', examples('perdure waivers list', 'perdure waivers revoke wvr_01k...'));

  withJson(withConfig(waivers.command('list')))
    .summary('list the waivers')
    .description('Lists all waivers, newest first: those that have ended too.')
    .addHelpText('after', examples('perdure waivers list', 'perdure waivers list --json'))
    .action((options: ListOptions) =>
      done(import('../waivers-command.ts').then(({ waiversList }) => waiversList(options, io))),
    );

  withJson(withConfig(waivers.command('grant')))
    .summary('waive a clause')
    .description(
      `Waives what one clause forbids, for a tenant, a product or a target, or for several of them together. While it is in force the clause is recorded as waived and not enforced, and explanations cite the waiver. ${WHERE}`,
    )
    .requiredOption('--contract <id>', 'whose clause')
    .requiredOption('--clause <id>', 'the clause that forbids')
    .option('--tenant <name>', 'for this tenant')
    .option('--product <id>', 'for this product')
    .option('--target <id>', 'at this target or home')
    .option('--from <date>', 'a day or moment in UTC (default: now)')
    .requiredOption('--until <date>', 'exclusive; at most limits.waiver_days after the beginning')
    .requiredOption('--reason <text>', 'why')
    .option('--require-second', 'wait until another key approves')
    .addHelpText(
      'after',
      examples(
        'perdure waivers grant --contract openai-2026-02 --clause joint.stateless --tenant acme --until 2026-04-01 --reason "migration"',
      ),
    )
    .action((options: GrantOptions) =>
      done(import('../waivers-command.ts').then(({ waiversGrant }) => waiversGrant(options, io))),
    );

  for (const [verb, summary] of [
    ['approve', 'approve what another asked for'],
    ['reject', 'reject what another asked for'],
    ['revoke', 'end a waiver now'],
  ] as const)
    withJson(withConfig(waivers.command(verb)))
      .summary(summary)
      .description(`Waivers: ${summary}. ${WHERE}`)
      .argument('<id>', 'the id that "perdure waivers list" shows')
      .addHelpText('after', examples(`perdure waivers ${verb} wvr_01k3m...`))
      .action((id: string, options: ListOptions) =>
        done(import('../waivers-command.ts').then(({ waiversDecide }) => waiversDecide(verb, id, options, io))),
      );
};

export const eventsCommand: AddCommand = (program, io, done) => {
  const events = program
    .command('events')
    .summary('what has happened that contracts ask for')
    .description(
      `Events that no date of a contract can express, such as agi-verified, ipo-filed, injunction. ${WHERE}`,
    );
  events.addHelpText('after', examples('perdure events list'));

  withJson(withConfig(events.command('list')))
    .summary('list the events')
    .description('Lists recorded events, newest first; those that were retracted too.')
    .addHelpText('after', examples('perdure events list', 'perdure events list --json'))
    .action((options: ListOptions) =>
      done(import('../waivers-command.ts').then(({ eventsList }) => eventsList(options, io))),
    );

  withJson(withConfig(events.command('record')))
    .summary('record an event')
    .description(`Records that something has happened. ${WHERE}`)
    .argument('<event>', 'its id: words joined by "-"')
    .requiredOption('--date <day>', 'when it happened, in UTC')
    .requiredOption('--source <text>', 'who says so')
    .option('--require-second', 'it counts once another key approves')
    .addHelpText('after', examples('perdure events record ipo-filed --date 2026-03-12 --source "S-1, sec.gov"'))
    .action((event: string, options: RecordOptions) =>
      done(import('../waivers-command.ts').then(({ eventsRecord }) => eventsRecord(event, options, io))),
    );

  for (const [verb, summary, description] of [
    ['approve', 'approve what another recorded', 'The event counts from then on. The one who recorded it cannot.'],
    ['reject', 'reject what another recorded', 'The event stays in the list and does not count.'],
    ['retract', 'say that an event was recorded wrongly', 'The event stays in the list and counts no more.'],
  ] as const)
    withJson(withConfig(events.command(verb)))
      .summary(summary)
      .description(`${description} ${WHERE}`)
      .argument('<id>', 'the id that "perdure events list" shows')
      .addHelpText('after', examples(`perdure events ${verb} evt_01k3m...`))
      .action((id: string, options: ListOptions) =>
        done(import('../waivers-command.ts').then(({ eventsDecide }) => eventsDecide(verb, id, options, io))),
      );
};
