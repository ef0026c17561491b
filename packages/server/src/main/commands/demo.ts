import type { AddCommand } from '../cli/command.ts';
import { examples } from '../cli/options.ts';

export const demoCommand: AddCommand = (program, io, done) => {
  program
    .command('demo')
    .summary('play the story of March 2026')
    .description(
      'Four customers talk with models on two clouds under the contracts of March 2026; the server is killed in the middle of a\n' +
        'turn and started again. What it prints is read back over the API and checked.',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', examples('perdure demo'))
    .action((options: { readonly json?: boolean }) => done(import('../demo.ts').then(({ demo }) => demo(options, io))));
};
