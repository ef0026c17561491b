import type { AddCommand } from '../cli/command.ts';
import { examples } from '../cli/options.ts';

export const emulatorCommand: AddCommand = (program, io, done) => {
  program
    .command('emulator')
    .summary('run the upstream emulator')
    .description(
      'Stands in for model providers, for tests and demonstrations. It is no model, and says "emulated" in every answer. ' +
        'Options are its own: "perdure emulator --help" lists them.',
    )
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[options...]')
    .addHelpText(
      'after',
      examples('perdure emulator --port 4010 --clouds azure,aws', 'perdure emulator --fault "cut 5" --json'),
    )
    .action((args: readonly string[]) =>
      done(import('../emulator.ts').then(({ runEmulator }) => runEmulator(args, io))),
    );
};
