import type { AddCommand } from '../cli/command.ts';
import { examples, wholeNumber, withConfig, withJson } from '../cli/options.ts';
import type { UpOptions } from '../up.ts';

export const upCommand: AddCommand = (program, io, done) => {
  const command = program
    .command('up')
    .summary('start the server')
    .description(
      'Starts the server. Without a configuration file it finds upstreams by itself (OPENAI_API_KEY, AZURE_OPENAI_*, a server ' +
        'on this machine), else it starts three emulated clouds, and says so. SIGTERM and SIGINT drain; a second one ends at once.',
    );
  withJson(withConfig(command))
    .option('--host <address>', 'address to listen on (default: as configured, else 127.0.0.1)')
    .option('--port <number>', 'port; 0 takes any free one (default: as configured, else 4180)', wholeNumber(0, 65_535))
    .option('--emulated', 'use the emulated clouds, whatever else there is')
    .addHelpText(
      'after',
      examples('perdure up', 'perdure up --config perdure.yaml --port 8080', 'perdure up --emulated --port 0 --json'),
    )
    .action((options: UpOptions) => done(import('../up.ts').then(({ up }) => up(options, io))));
};
