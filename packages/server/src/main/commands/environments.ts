import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { EnvironmentOptions, ListOptions } from '../environments-command.ts';

const WHERE = 'Asks a running server, at PERDURE_URL or that of the data folder, with the key PERDURE_API_KEY.';

export const environmentsCommand: AddCommand = (program, io, done) => {
  const environments = program
    .command('environments')
    .summary('where agents work: files and commands')
    .description(`Environments of sessions, hosted by the server or served by a worker. ${WHERE}`);
  environments.addHelpText(
    'after',
    examples(
      'perdure environments list',
      'perdure environments list --self-hosted',
      'perdure environments show env_01k...',
    ),
  );

  withJson(withConfig(environments.command('list')))
    .summary('list environments')
    .description(`Lists the environments of the key’s tenant, newest first. ${WHERE}`)
    .option('--self-hosted', 'those that workers serve, instead of those that the server hosts')
    .addHelpText('after', examples('perdure environments list', 'perdure environments list --self-hosted --json'))
    .action((options: ListOptions) =>
      done(import('../environments-command.ts').then(({ environmentsList }) => environmentsList(options, io))),
    );

  withJson(withConfig(environments.command('show')))
    .summary('show an environment and its files')
    .description(
      `Shows the status of an environment, what was installed in it, and the files that lie in it now. ${WHERE}`,
    )
    .argument('<id>', 'the id that "perdure environments list" shows')
    .addHelpText('after', examples('perdure environments show env_01k3m...'))
    .action((id: string, options: EnvironmentOptions) =>
      done(import('../environments-command.ts').then(({ environmentsShow }) => environmentsShow(id, options, io))),
    );

  withJson(withConfig(environments.command('token')))
    .summary('make a token for a worker')
    .description(
      `Makes a token by which a worker serves one self-hosted environment, and nothing else. It is shown once. ${WHERE}`,
    )
    .argument('<id>', 'a self-hosted environment')
    .addHelpText('after', examples('perdure environments token env_01k3m...'))
    .action((id: string, options: EnvironmentOptions) =>
      done(import('../environments-command.ts').then(({ environmentsToken }) => environmentsToken(id, options, io))),
    );
};
