/** The command line. What a command does is loaded when it is called. */
import { Command, CommanderError } from 'commander';
import { CliError, EXIT, EXIT_HELP, type ExitCode } from './cli/exit.ts';
import { type Io, processIo } from './cli/io.ts';
import { examples } from './cli/options.ts';
import { auditCommand } from './commands/audit.ts';
import { automationsCommand } from './commands/automations.ts';
import { agentsCommand } from './commands/agents.ts';
import { approvalsCommand } from './commands/approvals.ts';
import { contractsCommand } from './commands/contracts.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { emulatorCommand } from './commands/emulator.ts';
import { environmentsCommand } from './commands/environments.ts';
import { errorsCommand } from './commands/errors.ts';
import { explainCommand } from './commands/explain.ts';
import { holdsCommand } from './commands/holds.ts';
import { toolsCommand } from './commands/tools.ts';
import { keysCommand } from './commands/keys.ts';
import { commitmentsCommand } from './commands/commitments.ts';
import { usageCommand } from './commands/usage.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { permissionsCommand } from './commands/permissions.ts';
import { placementsCommand } from './commands/placements.ts';
import { reportCommand } from './commands/report.ts';
import { sessionsCommand } from './commands/sessions.ts';
import { rightsCommand } from './commands/rights.ts';
import { upCommand } from './commands/up.ts';
import { vaultsCommand } from './commands/vaults.ts';
import { whatIfCommand } from './commands/whatif.ts';
import { eventsCommand, waiversCommand } from './commands/waivers.ts';
import { workerCommand } from './commands/worker.ts';
import { VERSION } from './version.ts';

const COMMANDS = [
  upCommand,
  demoCommand,
  emulatorCommand,
  keysCommand,
  contractsCommand,
  waiversCommand,
  eventsCommand,
  rightsCommand,
  holdsCommand,
  automationsCommand,
  agentsCommand,
  sessionsCommand,
  vaultsCommand,
  environmentsCommand,
  workerCommand,
  permissionsCommand,
  approvalsCommand,
  toolsCommand,
  explainCommand,
  usageCommand,
  commitmentsCommand,
  whatIfCommand,
  ledgerCommand,
  auditCommand,
  placementsCommand,
  reportCommand,
  doctorCommand,
  errorsCommand,
];

/** Resolves to the exit code; see `EXIT`. Errors are told, never thrown. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  let code: ExitCode = EXIT.ok;
  const program = makeProgram(io, async outcome => {
    code = await outcome;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return tell(error, io);
  }
}

function makeProgram(io: Io, done: (code: Promise<ExitCode>) => Promise<void>): Command {
  const program = new Command('perdure')
    .description('A stateful runtime for AI agents on any cloud, under contract.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `${examples('perdure up', 'perdure demo', 'perdure explain --stateless --contracts openai-2026-02 --as-of 2026-03-20')}${EXIT_HELP}`,
    );
  for (const add of COMMANDS) add(program, io, done);
  return program;
}

function tell(error: unknown, io: Io): ExitCode {
  if (io.env['PERDURE_DEBUG'] && error instanceof Error && !(error instanceof CommanderError))
    io.err(`${error.stack ?? ''}\n`);
  // Commander has already said what is wrong; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CliError) {
    io.err(`${error.message}\n`);
    if (error.hint !== null) io.err(`${error.hint}\n`);
    return error.exitCode;
  }
  io.err(`perdure: ${error instanceof Error ? error.message : String(error)}\n`);
  const hint = hintOf(error);
  if (hint !== null) io.err(`${hint}\n`);
  return codeOf(error);
}

/** Errors of the parts below: known by their brand or code, since the command line does not load them to ask. */
function codeOf(error: unknown): ExitCode {
  if (!(error instanceof Error)) return EXIT.failed;
  const code: unknown = 'storeError' in error ? error.storeError : 'code' in error ? error.code : null;
  return typeof code === 'string' ? (EXIT_BY_CODE.get(code) ?? EXIT.failed) : EXIT.failed;
}

const EXIT_BY_CODE: ReadonlyMap<string, ExitCode> = new Map([
  ['store_locked', EXIT.refused],
  ['store_newer', EXIT.refused],
  ['store_corrupt', EXIT.refused],
  ['keys_required', EXIT.refused],
  ['placement_refused', EXIT.refused],
  ['contracts_invalid', EXIT.usage],
  ['permissions_invalid', EXIT.usage],
  ['contract_not_found', EXIT.usage],
  ['contract_folder_too_large', EXIT.usage],
]);

/** What helps against errors whose own words are the system's. */
function hintOf(error: unknown): string | null {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE')
    return 'Something else listens there: stop it, or choose another --port (0 takes any free one).';
  if (code === 'EACCES') return 'That needs rights that this user does not have.';
  return null;
}
