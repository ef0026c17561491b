import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { HoldOptions, PlaceOptions } from '../holds-command.ts';
import { WHERE } from './active.ts';

export const holdsCommand: AddCommand = (program, io, done) => {
  const holds = program
    .command('holds')
    .summary('what may not be erased')
    .description(
      `Legal holds. What is held and deleted, or has lived its time, is in no answer of the API and is erased only once the hold is lifted. ${WHERE}`,
    );
  holds.addHelpText('after', examples('perdure holds list', 'perdure holds lift hld_01k...'));

  withJson(withConfig(holds.command('list')))
    .summary('list the holds')
    .description('Lists all holds, newest first: those that were lifted too.')
    .addHelpText('after', examples('perdure holds list', 'perdure holds list --json'))
    .action((options: HoldOptions) =>
      done(import('../holds-command.ts').then(({ holdsList }) => holdsList(options, io))),
    );

  withJson(withConfig(holds.command('place')))
    .summary('keep something from being erased')
    .description(
      `Holds all that a tenant has stored, or one response, conversation or session of it: the whole chain that it lies in. ${WHERE}`,
    )
    .requiredOption('--tenant <name>', 'whose data')
    .option('--subject <id>', 'a response, conversation or session (default: everything of the tenant)')
    .requiredOption('--reason <text>', 'why')
    .option('--reference <text>', 'the matter, as those who ask for the hold name it')
    .addHelpText(
      'after',
      examples(
        'perdure holds place --tenant acme --reason "litigation" --reference "No. 26-cv-1187"',
        'perdure holds place --tenant acme --subject conv_01k3m... --reason "inquiry"',
      ),
    )
    .action((options: PlaceOptions) =>
      done(import('../holds-command.ts').then(({ holdsPlace }) => holdsPlace(options, io))),
    );

  withJson(withConfig(holds.command('lift')))
    .summary('end a hold')
    .description(`Ends a hold. What it kept is erased by the next sweep, unless another hold keeps it. ${WHERE}`)
    .argument('<id>', 'the id that "perdure holds list" shows')
    .addHelpText('after', examples('perdure holds lift hld_01k3m...'))
    .action((id: string, options: HoldOptions) =>
      done(import('../holds-command.ts').then(({ holdsLift }) => holdsLift(id, options, io))),
    );

  withJson(withConfig(holds.command('kept')))
    .summary('list what a hold keeps that is deleted or over')
    .description(
      'Lists sessions that hold something deleted, or past its time, which the hold keeps. No content is shown.',
    )
    .argument('<id>', 'the id that "perdure holds list" shows')
    .addHelpText('after', examples('perdure holds kept hld_01k3m...', 'perdure holds kept hld_01k3m... --json'))
    .action((id: string, options: HoldOptions) =>
      done(import('../holds-command.ts').then(({ holdsKept }) => holdsKept(id, options, io))),
    );
};
