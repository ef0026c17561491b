import type { AddCommand } from '../cli/command.ts';
import { examples } from '../cli/options.ts';
import type { WorkerCommandOptions } from '../worker-command.ts';

export const workerCommand: AddCommand = (program, io, done) => {
  program
    .command('worker')
    .summary('serve a self-hosted environment')
    .description(
      'Runs an agent’s commands on this machine, for one self-hosted environment. It opens connections to the server and takes none, tries ' +
        'again when the link breaks, and executes a request once. Commands run in bubblewrap, or in just-bash where there is none, without a ' +
        'network, unless --trust-host says that they may do what this user may. It runs until SIGTERM or SIGINT.',
    )
    .requiredOption('--server <url>', 'the server, as https://perdure.example')
    .requiredOption('--environment <id>', 'the environment that it serves')
    .requiredOption('--workspace <folder>', 'where the agent works; made if it is not there')
    .option('--key <token>', 'the worker token of the environment (default: PERDURE_WORKER_KEY)')
    .option('--state <folder>', 'where it notes what it has done (default: ~/.local/state/perdure)')
    .option(
      '--allow-host <host...>',
      'hosts that MCP servers of the session are asked at from here: tools.internal:8080, *.example.com',
    )
    .option('--trust-host', 'run commands in the folder itself with the plain shell, as this user, kept in by nothing')
    .addHelpText(
      'after',
      examples(
        'perdure environments token env_01k3m...',
        'PERDURE_WORKER_KEY=pwt_... perdure worker --server https://perdure.example --environment env_01k3m... --workspace ./work --trust-host',
      ),
    )
    .action((options: WorkerCommandOptions) =>
      done(import('../worker-command.ts').then(({ worker }) => worker(options, io))),
    );
};
