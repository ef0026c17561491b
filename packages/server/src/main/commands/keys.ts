import type { AddCommand } from '../cli/command.ts';
import { collect, examples, WORKPLACE, withConfig, withJson } from '../cli/options.ts';
import { scopesHelp } from '../cli/scopes.ts';
import type { KeysCreateOptions, KeysOptions } from '../keys-command.ts';

const WHERE = `${WORKPLACE} (with the scope admin).`;

export const keysCommand: AddCommand = (program, io, done) => {
  const keys = program.command('keys').summary('make, list and revoke API keys').description(`API keys. ${WHERE}`);
  keys.addHelpText(
    'after',
    examples(
      'perdure keys create --name ops --scope admin --scope operator --scope inference --scope read',
      'perdure keys list',
      'perdure keys revoke key_01k...',
    ),
  );

  withJson(withConfig(keys.command('create')))
    .summary('make a key')
    .description(`Makes a key and shows it once: only its hash is kept, or with --sigv4 its sealed secret. ${WHERE}`)
    .requiredOption('--name <name>', 'what people know it by')
    .option('--tenant <name>', 'whose data it reaches (default: local); * for an auditor of every tenant')
    .option('--product <id>', 'what was sold (default: api)')
    .option('--channel <id>', 'who sold it (default: direct)')
    .option('--segment <name>', 'the buyer: commercial, us-gov, us-natsec (default: commercial)')
    .option('--scope <name>', 'what it may do, see below; repeat for several (default: inference and read)', collect)
    .option('--sigv4', 'signs requests as AWS Signature Version 4 has it, instead of being sent (docs/bedrock.md)')
    .option('--without-admin', 'make the first key though it is no admin: then no key can make others')
    .addHelpText(
      'after',
      `${scopesHelp()}${examples(
        'perdure keys create --name first --scope admin --scope operator --scope inference --scope read',
        'perdure keys create --name app                                        # calls models, keeps sessions',
        'perdure keys create --name acme --tenant acme --product frontier --channel bedrock',
        'perdure keys create --name boto --sigv4                               # for AWS clients',
        'perdure keys create --name dashboard --scope read',
        'perdure keys create --name lead --tenant acme --scope admin --json    # hands out keys of its tenant',
        'perdure keys create --name desk --tenant acme --scope approve         # says yes or no to tool calls',
        'perdure keys create --name ops --scope operator                       # governs the deployment',
        'perdure keys create --name audit --tenant acme --scope auditor        # evidence of one tenant',
        "perdure keys create --name auditor --tenant '*' --scope auditor       # evidence of all, content of none",
      )}`,
    )
    .action((options: KeysCreateOptions) =>
      done(import('../keys-command.ts').then(({ keysCreate }) => keysCreate(options, io))),
    );

  withJson(withConfig(keys.command('list')))
    .summary('list the keys')
    .description('Lists all keys, revoked ones too; those of the configuration file first.')
    .addHelpText('after', examples('perdure keys list', 'perdure keys list --json'))
    .action((options: KeysOptions) => done(import('../keys-command.ts').then(({ keysList }) => keysList(options, io))));

  withJson(withConfig(keys.command('revoke')))
    .summary('revoke a key')
    .description(
      'Revokes a key: the next request with it is refused. Keys of the configuration file are removed there.',
    )
    .argument('<id>', 'the id that "perdure keys list" shows')
    .addHelpText('after', examples('perdure keys revoke key_01k3m...'))
    .action((id: string, options: KeysOptions) =>
      done(import('../keys-command.ts').then(({ keysRevoke }) => keysRevoke(id, options, io))),
    );
};
