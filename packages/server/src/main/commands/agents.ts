import type { Command } from 'commander';
import type { AgentOptions, ShowOptions } from '../agents-command.ts';
import type { AddCommand } from '../cli/command.ts';
import { examples, wholeNumber, withConfig, withJson, WORKPLACE } from '../cli/options.ts';

const VERSIONS = 1_000_000;

export const WHOSE: string = `${WORKPLACE}, and shows what is of its tenant.`;

export function withTenant(command: Command): Command {
  return command.option('--tenant <name>', 'whose, in a data folder that no server uses (default: local)');
}

export const agentsCommand: AddCommand = (program, io, done) => {
  const agents = program
    .command('agents')
    .summary('registered agents and their versions')
    .description(`Agents as they are registered, what they were before, and a way back. ${WHOSE}`);
  agents.addHelpText('after', examples('perdure agents list', 'perdure agents rollback agent_01k... --version 3'));
  const add = (name: string): Command => withTenant(withJson(withConfig(agents.command(name))));

  add('list')
    .summary('list the agents')
    .description('Lists the agents of a tenant in the version in force, newest first.')
    .addHelpText('after', examples('perdure agents list', 'perdure agents list --tenant acme --json'))
    .action((options: AgentOptions) =>
      done(import('../agents-command.ts').then(({ agentsList }) => agentsList(options, io))),
    );

  add('show')
    .summary('show one agent')
    .description('Shows an agent as it is, or as it was in a version.')
    .argument('<id>', 'the id that "perdure agents list" shows')
    .option('--version <number>', 'as it was then (default: the version in force)', wholeNumber(1, VERSIONS))
    .addHelpText('after', examples('perdure agents show agent_01k...', 'perdure agents show agent_01k... --version 2'))
    .action((id: string, options: ShowOptions) =>
      done(import('../agents-command.ts').then(({ agentsShow }) => agentsShow(id, options, io))),
    );

  add('versions')
    .summary('list the versions of an agent')
    .description('Lists what an agent was, newest first. Those of a deleted agent stay while a session names them.')
    .argument('<id>', 'the id that "perdure agents list" shows')
    .addHelpText('after', examples('perdure agents versions agent_01k...'))
    .action((id: string, options: AgentOptions) =>
      done(import('../agents-command.ts').then(({ agentsVersions }) => agentsVersions(id, options, io))),
    );

  add('rollback')
    .summary('go back to an earlier version')
    .description('Makes a new version that equals an earlier one. Sessions that run keep the version they have.')
    .argument('<id>', 'the id that "perdure agents list" shows')
    .requiredOption('--version <number>', 'the version that the new one is to equal', wholeNumber(1, VERSIONS))
    .addHelpText('after', examples('perdure agents rollback agent_01k... --version 3'))
    .action((id: string, options: AgentOptions & { readonly version: number }) =>
      done(import('../agents-command.ts').then(({ agentsRollback }) => agentsRollback(id, options, io))),
    );
};
