import type { AddCommand } from '../cli/command.ts';
import { examples, wholeNumber, withConfig, withJson } from '../cli/options.ts';
import type { ApprovalsListOptions, DecideOptions, ResolveOptions } from '../approvals-command.ts';

const WHERE = 'It asks the server at PERDURE_URL (default: that of the data folder), with the key in PERDURE_API_KEY.';

export const approvalsCommand: AddCommand = (program, io, done) => {
  const approvals = program
    .command('approvals')
    .summary('tool calls that wait for a person')
    .description(`Lists, shows and decides approvals of tool calls: docs/approvals.md. ${WHERE}`);
  approvals.addHelpText('after', examples('perdure approvals list', 'perdure approvals grant appr_01k...'));

  withJson(withConfig(approvals.command('list')))
    .summary('list approvals')
    .description(`Lists those that wait, the oldest first. No arguments are shown. ${WHERE}`)
    .option('--status <status>', 'waiting, granted, denied, expired, withdrawn or all (default: waiting)')
    .option('--session <id>', 'of this session only')
    .option('--agent <id>', 'of this agent only')
    .option('--unknown', 'only those of tools of which nobody knows whether they ran')
    .option('--limit <number>', 'as many at most (default: 100)', wholeNumber(1, 10_000))
    .addHelpText('after', examples('perdure approvals list', 'perdure approvals list --status denied --json'))
    .action((options: ApprovalsListOptions) =>
      done(import('../approvals-command.ts').then(({ approvalsList }) => approvalsList(options, io))),
    );

  withJson(withConfig(approvals.command('show')))
    .summary('show one, with its arguments')
    .description(`Shows an approval; its arguments if the key may decide. ${WHERE}`)
    .argument('<id>', 'the id that "perdure approvals list" shows')
    .addHelpText('after', examples('perdure approvals show appr_01k...'))
    .action((id: string, options: DecideOptions) =>
      done(import('../approvals-command.ts').then(({ approvalsShow }) => approvalsShow(id, options, io))),
    );

  withJson(withConfig(approvals.command('grant')))
    .summary('say yes')
    .description(`The tool runs, once, with exactly the arguments that are shown. ${WHERE}`)
    .argument('<id>', 'the id that "perdure approvals list" shows')
    .option('--binding <digest>', 'grant it only if it binds what was shown')
    .addHelpText('after', examples('perdure approvals grant appr_01k...'))
    .action((id: string, options: DecideOptions) =>
      done(import('../approvals-command.ts').then(({ approvalsGrant }) => approvalsGrant(id, options, io))),
    );

  withJson(withConfig(approvals.command('deny')))
    .summary('say no')
    .description(`The tool does not run, and the model is told the reason. ${WHERE}`)
    .argument('<id>', 'the id that "perdure approvals list" shows')
    .option('--reason <text>', 'why')
    .addHelpText('after', examples('perdure approvals deny appr_01k... --reason "Too dear."'))
    .action((id: string, options: DecideOptions) =>
      done(import('../approvals-command.ts').then(({ approvalsDeny }) => approvalsDeny(id, options, io))),
    );

  withJson(withConfig(approvals.command('resolve')))
    .summary('say what becomes of a tool of which nobody knows whether it ran')
    .description(`Of an approval whose cause is outcome_unknown. ${WHERE}`)
    .argument('<id>', 'the id that "perdure approvals list --unknown" shows')
    .requiredOption('--outcome <outcome>', 'run_again, give_up or completed')
    .option('--output <text>', 'what the tool would have said, for completed')
    .addHelpText('after', examples('perdure approvals resolve appr_01k... --outcome completed --output "sent"'))
    .action((id: string, options: ResolveOptions) =>
      done(import('../approvals-command.ts').then(({ approvalsResolve }) => approvalsResolve(id, options, io))),
    );
};
