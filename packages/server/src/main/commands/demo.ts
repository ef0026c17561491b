import { Option } from 'commander';
import type { AddCommand } from '../cli/command.ts';
import { examples, withJson } from '../cli/options.ts';
import type { DemoOptions } from '../demo/run.ts';

export const demoCommand: AddCommand = (program, io, done) => {
  const command = program
    .command('demo')
    .summary('play the story of March 2026')
    .description(
      'Four customers talk with models on two clouds under the contracts of March 2026; the server is killed in the middle of a turn and started again. Everything that it prints is read back over the API and checked. It runs a server of its own, on a free port and a temporary folder.\n\n' +
        'Models: those of AZURE_OPENAI_*, of AWS_BEARER_TOKEN_BEDROCK with BEDROCK_MODEL, and of OPENAI_API_KEY; emulated clouds stand in for Azure and AWS where there are no credentials.',
    );
  withJson(command)
    .option('--keep', 'keep configuration and data, and say where')
    .addOption(
      new Option('--reading <id>', 'compare with this reading only (default: both)').choices([
        'microsoft',
        'amazon-openai',
      ]),
    )
    .option('--url <address>', 'where a server may run already (default: http://127.0.0.1:4180)')
    .option('--contracts <folder>', 'a folder with changed copies of the contract sets')
    .addHelpText(
      'after',
      `${examples('perdure demo', 'perdure demo --json', 'perdure demo --reading microsoft --keep')}\nEnds with 1 if a claim does not hold.\n`,
    )
    .action((options: DemoOptions) => done(import('../demo/run.ts').then(({ demo }) => demo(options, io))));
};
