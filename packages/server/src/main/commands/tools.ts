import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { ToolsOptions, ToolsRunOptions } from '../tools-command.ts';

export const toolsCommand: AddCommand = (program, io, done) => {
  const tools = program
    .command('tools')
    .summary('the tools that sessions are offered')
    .description(
      'Shows the tools of modules and of the MCP servers in perdure.yaml, and tries them. No server is needed.',
    );
  tools.addHelpText('after', examples('perdure tools list', 'perdure tools run tide \'{"port":"Harwich"}\''));

  withJson(withConfig(tools.command('list')))
    .summary('list what a session would be offered')
    .description(
      'Lists the tools of the modules (tools) and of the processes (mcp.stdio) of the configuration, each as models are offered it. With --server, those of an MCP server over HTTP, under the rules of mcp.',
    )
    .option('--server <url>', 'an MCP server over HTTP')
    .option('--tenant <name>', 'whose session (default: local)')
    .addHelpText(
      'after',
      examples('perdure tools list', 'perdure tools list --server https://mcp.example.com/mcp --json'),
    )
    .action((options: ToolsOptions) =>
      done(import('../tools-command.ts').then(({ toolsList }) => toolsList(options, io))),
    );

  withJson(withConfig(tools.command('run')))
    .summary('run one of them')
    .description(
      'Runs a tool once, here, with a key of its own, and prints what a model would be shown. What it does is done.',
    )
    .argument('<name>', 'as "perdure tools list" shows it')
    .argument('[arguments]', 'a JSON object (default: {})')
    .option('--server <url>', 'an MCP server over HTTP')
    .option('--tenant <name>', 'whose session (default: local)')
    .addHelpText('after', examples('perdure tools run tide \'{"port":"Harwich"}\''))
    .action((name: string, args: string | undefined, options: ToolsRunOptions) =>
      done(import('../tools-command.ts').then(({ toolsRun }) => toolsRun(name, args ?? '{}', options, io))),
    );
};
