import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { DoctorOptions } from '../doctor.ts';

export const doctorCommand: AddCommand = (program, io, done) => {
  const command = program
    .command('doctor')
    .summary('check configuration, contracts, data and disk')
    .description(
      'Checks Node, the configuration, the contracts, the free space and every home: its schema version, the integrity of its ' +
        'file, and the chain of every session log. It reads everything and changes nothing; the server must not be running.',
    );
  withJson(withConfig(command))
    .addHelpText(
      'after',
      `${examples('perdure doctor', 'perdure doctor --data /srv/perdure --json')}\nEnds with 3 if something is not healthy.\n`,
    )
    .action((options: DoctorOptions) => done(import('../doctor.ts').then(({ doctor }) => doctor(options, io))));
};
