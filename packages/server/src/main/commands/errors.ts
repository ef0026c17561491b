import type { AddCommand } from '../cli/command.ts';
import { examples, withJson } from '../cli/options.ts';

export const errorsCommand: AddCommand = (program, io, done) => {
  const command = program
    .command('errors')
    .summary('what an error code means and what helps')
    .description(
      'Lists the codes that this server answers with, or tells what one of them means and what to do about it.',
    )
    .argument('[code]', 'a code, as in the field error.code of an answer');
  withJson(command)
    .addHelpText(
      'after',
      examples('perdure errors', 'perdure errors placement_refused', 'perdure errors rate_limit_exceeded --json'),
    )
    .action((code: string | undefined, options: { readonly json?: boolean }) =>
      done(import('../errors-command.ts').then(({ tellErrors }) => tellErrors(code ?? null, options, io))),
    );
};
