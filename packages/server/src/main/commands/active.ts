/** What is in force: `perdure contracts activate, active, ...`, added to the command that checks contracts. */
import type { Command } from 'commander';
import type { ActivateOptions, ActiveOptions } from '../active-command.ts';
import type { AddCommand } from '../cli/command.ts';
import { examples, WORKPLACE, withConfig, withJson } from '../cli/options.ts';

export const WHERE: string = `${WORKPLACE} (with the scope operator).`;

export function addActivation(
  contracts: Command,
  io: Parameters<AddCommand>[1],
  done: Parameters<AddCommand>[2],
): void {
  withJson(withConfig(contracts.command('activate')))
    .summary('put contracts in force')
    .description(
      `Puts a whole set of contracts in force, now or later, without a restart, and lists the sessions that it strands. Without a folder: the contracts and reading of the configuration. ${WHERE}`,
    )
    .argument('[folders...]', 'folders, or names of shipped sets: all that is to be in force')
    .option('--effective <date>', 'a day or moment in UTC (default: now)')
    .option('--reading <id>', 'how they are read (default: as each says)')
    .option('--reason <text>', 'kept with it')
    .option('--monitor', 'record would-be refusals and refuse nothing')
    .option('--require-second', 'wait until another key approves')
    .addHelpText(
      'after',
      examples(
        'perdure contracts activate openai-2026-02 data-handling --reading as-written --reason "start of the pilot"',
        'perdure contracts activate ./contracts/acme --effective 2026-04-27 --require-second',
        'perdure contracts activate openai-2026-02 --monitor',
      ),
    )
    .action((folders: readonly string[], options: ActivateOptions) =>
      done(import('../active-command.ts').then(({ activate }) => activate(folders, options, io))),
    );

  withJson(withConfig(contracts.command('active')))
    .summary('what is in force, pending, and was')
    .description(`Lists activations, newest first: what is in force, scheduled or pending, and what was. ${WHERE}`)
    .option('--all', 'not only the latest 20')
    .addHelpText('after', examples('perdure contracts active', 'perdure contracts active --json'))
    .action((options: ActiveOptions & { readonly all?: boolean }) =>
      done(import('../active-command.ts').then(({ active }) => active(options, io))),
    );

  withJson(withConfig(contracts.command('show')))
    .summary('contracts as they were activated')
    .description(
      `Prints the texts of a contract as it was activated, whatever its folder holds now, each with its SHA-256, and checks that they are those of its digest. Without a name: all that were ever activated, newest first, with their digests. ${WORKPLACE} (with the scope operator or auditor).`,
    )
    .argument(
      '[name]',
      'a digest or its beginning, an id (the one in force, else the newest), id@version, or act_... for all of an activation',
    )
    .addHelpText(
      'after',
      `${examples(
        'perdure contracts show',
        'perdure contracts show openai-2026-02',
        'perdure contracts show 60dbe0d667c4 --json',
        'perdure contracts show act_01k3m...',
      )}\nEnds with 3 if the texts are not those of the digest.\n`,
    )
    .action((name: string | undefined, options: ActiveOptions) =>
      done(import('../contracts-show.ts').then(({ showContracts }) => showContracts(name, options, io))),
    );

  withJson(withConfig(contracts.command('settings')))
    .summary('what the configuration settles beside contracts')
    .description(
      `Lists what starts of the server took up of enforce, on_ambiguity, as_of, events, first_refusals and require_second_person, newest first. Where a second person is required, an edit of them waits until another key approves it. ${WHERE}`,
    )
    .addHelpText('after', examples('perdure contracts settings', 'perdure contracts settings --json'))
    .action((options: ActiveOptions) =>
      done(import('../settings-command.ts').then(({ settings }) => settings(options, io))),
    );

  const one = (verb: 'approve' | 'reject' | 'deactivate', summary: string, description: string): void => {
    withJson(withConfig(contracts.command(verb)))
      .summary(summary)
      .description(`${description} ${WHERE}`)
      .argument('<id>', 'the id that "perdure contracts active" shows')
      .addHelpText('after', examples(`perdure contracts ${verb} act_01k3m...`))
      .action((id: string, options: ActiveOptions) =>
        done(import('../active-command.ts').then(commands => commands[verb](id, options, io))),
      );
  };
  one(
    'approve',
    'approve what another asked for',
    'Approves an activation, or an edit of the configuration (cfg_...), that is pending. The one who asked for it cannot.',
  );
  one(
    'reject',
    'reject what another asked for',
    'Rejects an activation, or an edit of the configuration (cfg_...), that is pending.',
  );
  one(
    'deactivate',
    'take back an activation',
    'Takes back an activation that is pending or scheduled. What is in force is ended by activating another set.',
  );

  withJson(withConfig(contracts.command('stranded')))
    .summary('sessions that contracts no longer permit')
    .description(
      `Lists sessions whose home or product the contracts in force no longer permit. They are not moved, and their turns are refused. ${WHERE}`,
    )
    .addHelpText('after', `${examples('perdure contracts stranded')}\nEnds with 3 if there are any.\n`)
    .action((options: ActiveOptions) =>
      done(import('../active-command.ts').then(({ stranded }) => stranded(options, io))),
    );
}
