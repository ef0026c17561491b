import type { Command } from 'commander';
import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { AnswerOptions, OfferOptions } from '../rights-command.ts';
import type { ListOptions } from '../waivers-command.ts';
import { WHERE } from './active.ts';

const RIGHT = 'the right, as clauses name it';

export const rightsCommand: AddCommand = (program, io, done) => {
  const rights = program
    .command('rights')
    .summary('rights of first refusal: what was offered, and the answers')
    .description(
      'Rights of first refusal, as clauses ask for them (context.call.firstRefusal): something is offered to the holder of a right, who ' +
        `accepts or declines it by a deadline, or lets it lapse. Decisions see each move at once, from its date on. ${WHERE}`,
    );
  rights.addHelpText(
    'after',
    examples(
      'perdure rights list',
      'perdure rights offer azure-first --deadline 2026-05-09 --source "letter of 28 April"',
      'perdure rights decline azure-first --source "letter of 8 May"',
    ),
  );

  withJson(withConfig(rights.command('list')))
    .summary('list the rights')
    .description(
      'Lists the state of each right by product, and the moves that made it, oldest first: those that do not count, too.',
    )
    .addHelpText('after', examples('perdure rights list', 'perdure rights list --json'))
    .action((options: ListOptions) =>
      done(import('../rights-command.ts').then(({ rightsList }) => rightsList(options, io))),
    );

  moveOptions(withJson(withConfig(rights.command('offer'))), 'offered')
    .summary('record an offer')
    .description(`Records that a product, or all, was offered to the holder of a right. ${WHERE}`)
    .argument('<right>', RIGHT)
    .requiredOption('--deadline <day>', 'the last day on which it can be answered, in UTC')
    .addHelpText(
      'after',
      examples(
        'perdure rights offer azure-first --deadline 2026-05-09 --source "letter of 28 April"',
        'perdure rights offer azure-first --product frontier --date 2026-04-28 --deadline 2026-05-09 --source "a letter"',
      ),
    )
    .action((right: string, options: OfferOptions) =>
      done(import('../rights-command.ts').then(({ rightsOffer }) => rightsOffer(right, options, io))),
    );

  for (const how of ['accept', 'decline'] as const)
    moveOptions(withJson(withConfig(rights.command(how))), 'answered')
      .summary(`record that the holder ${how}s`)
      .description(
        `Records that the holder of a right ${how}s what was offered: once, and not after the deadline. ${WHERE}`,
      )
      .argument('<right>', RIGHT)
      .addHelpText('after', examples(`perdure rights ${how} azure-first --date 2026-05-08 --source "letter of 8 May"`))
      .action((right: string, options: AnswerOptions) =>
        done(import('../rights-command.ts').then(({ rightsAnswer }) => rightsAnswer(how, right, options, io))),
      );

  for (const [how, summary] of [
    ['approve', 'approve the move that another recorded'],
    ['reject', 'reject the move that another recorded'],
    ['retract', 'say that the last move was recorded wrongly'],
  ] as const)
    withJson(withConfig(rights.command(how)))
      .summary(summary)
      .description(
        `Rights: ${summary}. It stays in the list${how === 'approve' ? '' : ' and does not count'}. ${WHERE}`,
      )
      .argument('<right>', RIGHT)
      .addHelpText('after', examples(`perdure rights ${how} azure-first`))
      .action((right: string, options: ListOptions) =>
        done(import('../rights-command.ts').then(({ rightsDecide }) => rightsDecide(how, right, options, io))),
      );
};

function moveOptions(command: Command, done: string): Command {
  return command
    .option('--product <id>', 'for this product (default: all)')
    .option('--date <day>', `when it was ${done}, in UTC (default: today, in the time that contracts see)`)
    .requiredOption('--source <text>', 'who says so')
    .option('--require-second', 'wait until another key approves');
}
