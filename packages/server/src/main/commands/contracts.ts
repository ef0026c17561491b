import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import { addActivation } from './active.ts';
import type { ContractsCheckOptions } from '../contracts-command.ts';

export const contractsCommand: AddCommand = (program, io, done) => {
  const contracts = program
    .command('contracts')
    .summary('check contracts, put them in force')
    .description('Contracts as code.');
  contracts.addHelpText('after', examples('perdure contracts check', 'perdure contracts check contracts/acme-2026'));

  withJson(withConfig(contracts.command('check')))
    .summary('check contract folders')
    .description(
      'Checks contract folders, each and all together, under the configured reading: what is wrong, with file and line.\n' +
        'Without a folder it checks those of the configuration.',
    )
    .argument('[folders...]', 'folders, or names of shipped sets')
    .addHelpText(
      'after',
      `${examples('perdure contracts check', 'perdure contracts check openai-2026-02', 'perdure contracts check ./contracts/acme --json')}\nEnds with 3 if a contract has an error.\n`,
    )
    .action((folders: readonly string[], options: ContractsCheckOptions) =>
      done(import('../contracts-command.ts').then(({ contractsCheck }) => contractsCheck(folders, options, io))),
    );

  addActivation(contracts, io, done);
};
