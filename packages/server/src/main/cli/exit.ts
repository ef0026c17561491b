/** How a command ends. The codes are part of the interface: scripts switch on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP: string = `
Exit codes
  0  done
  1  failed
  2  the command or the configuration is not right
  3  refused, or not healthy
`;

/** An end that is told in words: no stack, unless PERDURE_DEBUG is set. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  /** What to do about it; null if the message says it all. */
  readonly hint: string | null;

  constructor(exitCode: ExitCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.hint = options.hint ?? null;
  }
}
