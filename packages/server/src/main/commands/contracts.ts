import { Option } from 'commander';
import type { AddCommand } from '../cli/command.ts';
import { collect, examples, withConfig, withJson } from '../cli/options.ts';
import { addActivation } from './active.ts';
import type { ContractsCheckOptions } from '../contracts-command.ts';
import type { ContractsDiffOptions } from '../contracts-diff.ts';
import type { ContractsFmtOptions } from '../contracts-fmt.ts';
import type { ContractsTestOptions } from '../contracts-test.ts';

export const contractsCommand: AddCommand = (program, io, done) => {
  const contracts = program
    .command('contracts')
    .summary('check, compare, format and test contracts, put them in force')
    .description('Contracts as code.');
  contracts.addHelpText(
    'after',
    examples(
      'perdure contracts check',
      'perdure contracts test openai-2026-02 --coverage',
      'perdure contracts diff openai-2026-02 openai-2026-02 --reading-b microsoft',
      'perdure contracts fmt ./contracts/acme',
    ),
  );

  withJson(withConfig(contracts.command('check')))
    .summary('check contract folders')
    .description(
      'Checks contract folders, each and all together, under the configured reading: what is wrong, with file and line. Beyond the ' +
        'words it looks at every kind of request that the clauses can tell apart: clauses that never apply, that decide nothing, that ' +
        'leave no place together; places that no request may use; contracts that are never in force. Ambiguous clauses are listed. ' +
        'Without a folder it checks those of the configuration.',
    )
    .argument('[folders...]', 'folders, or names of shipped sets')
    .addHelpText(
      'after',
      `${examples('perdure contracts check', 'perdure contracts check openai-2026-02', 'perdure contracts check ./contracts/acme --json')}\nEnds with 3 if a contract has an error, with 1 if not all could be looked at.\n`,
    )
    .action((folders: readonly string[], options: ContractsCheckOptions) =>
      done(import('../contracts-command.ts').then(({ contractsCheck }) => contractsCheck(folders, options, io))),
    );

  withJson(contracts.command('diff'))
    .summary('show which requests two sets of contracts decide differently')
    .description(
      'Compares two sets of contracts on every kind of request that their clauses can tell apart, and shows those whose outcome ' +
        'changes: when, from what to what, and one request of each kind with the clauses that decide it on either side.',
    )
    .argument('<a>', 'a folder, the name of a shipped set, or several joined by commas')
    .argument('<b>', 'the same')
    .option('--reading <id>', 'read the contracts so (default: as each says)')
    .option('--reading-b <id>', 'read those of B so (default: as --reading)')
    .option('--at <time>', 'as of this moment only, UTC: 2026-03-20')
    .option('--from <time>', 'from this moment on')
    .option('--to <time>', 'before this moment')
    .addOption(
      new Option('--on-ambiguity <how>', 'what an ambiguous clause does (default: flag)').choices(['flag', 'refuse']),
    )
    .option('--ignore-dates', 'compare what the clauses say, as if both sides were in force at all times')
    .option('--only <dimension=value>', 'only requests with this value: segment=us-gov; repeat for several', collect)
    .option('--config <file>', 'with its places, products and channels (default: perdure.yaml, if there is one)')
    .option('--any-place', 'every place, product and channel that clauses tell apart, whatever is configured')
    .addHelpText(
      'after',
      `${examples(
        'perdure contracts diff none openai-2026-02 --at 2026-03-20',
        'perdure contracts diff openai-2026-02 openai-2026-02 --reading as-written --reading-b microsoft',
        'perdure contracts diff openai-2025-10 openai-2026-02 --ignore-dates --only segment=commercial',
        'perdure contracts diff openai-2026-02 openai-2026-02,data-handling --config perdure.yaml --json',
      )}\nEnds with 0 if nothing changes and with 1 if something does, as diff does.\n`,
    )
    .action((a: string, b: string, options: ContractsDiffOptions) =>
      done(import('../contracts-diff.ts').then(({ contractsDiff }) => contractsDiff(a, b, options, io))),
    );

  withJson(contracts.command('fmt'))
    .summary('format contract folders')
    .description(
      'Gives the Cedar files and contract.yaml of each folder one layout. Meaning and comments stay: a file of which that cannot be ' +
        'kept is refused, and then nothing is written.',
    )
    .argument('<folders...>', 'folders')
    .option('--check', 'write nothing; say which files would change')
    .addHelpText(
      'after',
      `${examples('perdure contracts fmt ./contracts/acme', 'perdure contracts fmt ./contracts/* --check')}\nWith --check, ends with 1 if a file would change. Ends with 3 if one cannot be formatted.\n`,
    )
    .action((folders: readonly string[], options: ContractsFmtOptions) =>
      done(import('../contracts-fmt.ts').then(({ contractsFmt }) => contractsFmt(folders, options, io))),
    );

  withJson(withConfig(contracts.command('test')))
    .summary('run the table cases beside contracts')
    .description(
      'Runs the cases of cases.yaml in each folder through the pipeline that decides live calls, and shows what came out otherwise ' +
        'than expected, with the clauses that decided. docs/contracts.md says how a case is written. Without a folder it runs those of ' +
        'the configuration; where there is none, all that are shipped.',
    )
    .argument('[folders...]', 'folders, or names of shipped sets')
    .option('--coverage', 'say which clauses no case would miss: each is removed once, and the cases are run again')
    .addHelpText(
      'after',
      `${examples(
        'perdure contracts test',
        'perdure contracts test openai-2026-02 data-handling',
        'perdure contracts test ./contracts/acme --coverage',
        'perdure contracts test ./contracts/acme --json',
      )}\nEnds with 1 if a case does not come out as expected.\n`,
    )
    .action((folders: readonly string[], options: ContractsTestOptions) =>
      done(import('../contracts-test.ts').then(({ contractsTest }) => contractsTest(folders, options, io))),
    );
  addActivation(contracts, io, done);
};
