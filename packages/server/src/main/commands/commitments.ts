import type { AddCommand } from '../cli/command.ts';
import { collect, examples, withConfig, withJson, WORKPLACE } from '../cli/options.ts';
import type { CommitmentsOptions } from '../commitments-command.ts';

export const commitmentsCommand: AddCommand = (program, io, done) => {
  const command = program
    .command('commitments')
    .summary('show what the contracts’ money terms come to')
    .description(
      'Commitments with what is spent to date, what they look to come to at their end (by the average so far, and by the trend of ' +
        'the last 90 days) and what would be missing; shares with what is due and what their cap leaves; tranches, prepaid credits, ' +
        'capacity and spend caps. ' +
        `${WORKPLACE}.`,
    );
  withJson(withConfig(command))
    .option('--as-of <time>', 'what is spent before it counts, UTC: 2026-03-20 (default: now)')
    .option('--event <id=day>', 'an event that has happened, as ipo-filed=2027-01-05; repeat for several', collect)
    .addHelpText(
      'after',
      examples(
        'perdure commitments',
        'perdure commitments --as-of 2026-07-01 --json',
        'perdure commitments --event ipo-filed=2027-01-05',
      ),
    )
    .action((options: CommitmentsOptions) =>
      done(import('../commitments-command.ts').then(({ commitments }) => commitments(options, io))),
    );
};
