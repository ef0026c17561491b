/** `perdure errors`. */
import { didYouMean, ERROR_CODES, type ErrorCode, ERRORS, isErrorCode } from '@perdure/protocol';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import { table } from './cli/table.ts';
import { adviceOn } from './errors/advice.ts';

/** @param code null: all of them. @throws CliError for what is no code */
export async function tellErrors(
  code: string | null,
  { json = false }: { readonly json?: boolean },
  io: Io,
): Promise<ExitCode> {
  if (code !== null && !isErrorCode(code)) throw unknownCode(code);
  const told = code === null ? ERROR_CODES.map(entry) : entry(code);
  if (json) io.out(`${JSON.stringify(told, null, 2)}\n`);
  else if (code === null)
    io.out(
      table(
        ['CODE', 'HTTP', 'WHAT HELPS', ''],
        ERROR_CODES.map(one => [one, String(ERRORS[one].status), ERRORS[one].next, ERRORS[one].summary]),
      ),
    );
  else {
    const { status, type, next, summary } = ERRORS[code];
    io.out(
      `${code}: ${summary}\n\n${adviceOn(code)}\n\n${table(['HTTP', 'TYPE', 'WHAT HELPS'], [[String(status), type, next]])}`,
    );
  }
  return EXIT.ok;
}

function entry(code: ErrorCode) {
  const { status, type, next, summary } = ERRORS[code];
  return { code, status, type, next, summary, advice: adviceOn(code) };
}

function unknownCode(code: string): CliError {
  const near = didYouMean(code, ERROR_CODES);
  const hint = near === null ? '"perdure errors" lists them.' : `Did you mean ${near}?`;
  return new CliError(EXIT.usage, `There is no error code "${code.slice(0, 64)}".`, { hint });
}
