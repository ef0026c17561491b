import type { AddCommand } from '../cli/command.ts';
import { collect, examples, withConfig, withJson } from '../cli/options.ts';
import type { PermissionsCheckOptions, PermissionsExplainOptions } from '../permissions-command.ts';

export const permissionsCommand: AddCommand = (program, io, done) => {
  const permissions = program
    .command('permissions')
    .summary('who may call which tool')
    .description('Permissions are Cedar policies: docs/permissions.md. Without a folder, those of the configuration.');
  permissions.addHelpText('after', examples('perdure permissions check', 'perdure permissions explain --tool shell'));

  withJson(withConfig(permissions.command('check')))
    .summary('check policies')
    .description('Checks folders of policies as the server does when it starts, and lists what they hold.')
    .argument('[folder...]', 'folders, or example')
    .addHelpText('after', examples('perdure permissions check', 'perdure permissions check ./permissions --json'))
    .action((folders: readonly string[], options: PermissionsCheckOptions) =>
      done(import('../permissions-command.ts').then(({ permissionsCheck }) => permissionsCheck(folders, options, io))),
    );

  withJson(withConfig(permissions.command('explain')))
    .summary('show what becomes of a tool call, and why')
    .description('Decides a call that nobody makes, and names the policies that decided.')
    .requiredOption('--tool <name>', 'as the model calls it')
    .option('--args <json>', 'its arguments, a JSON object (default: {})')
    .option('--origin <kind>', 'builtin, client, module:<name> or mcp:<server>[/<tool>] (default: builtin)')
    .option('--idempotent', 'the tool is idempotent')
    .option('--agent <id>', 'the agent, by its id (default: none)')
    .option('--agent-name <name>', 'its name')
    .option('--agent-version <number>', 'its version (default: 1)')
    .option('--principal <id>', 'who asks: the id of a key (default: local)')
    .option('--tenant <name>', 'whose call it is (default: local)')
    .option('--label <name>', 'a label of what the session has read; repeat for several', collect)
    .option('--as-of <time>', 'the time, UTC (default: now)')
    .option('--permissions <folder>', 'with these policies instead; repeat for several', collect)
    .addHelpText(
      'after',
      `${examples(
        'perdure permissions explain --tool shell --args \'{"command":"rm -rf /"}\' --permissions example',
        'perdure permissions explain --tool create_issue --origin mcp:github --label restricted --json',
      )}\nIt ends with 3 if the call would be denied.\n`,
    )
    .action((options: PermissionsExplainOptions) =>
      done(import('../permissions-command.ts').then(({ permissionsExplain }) => permissionsExplain(options, io))),
    );
};
