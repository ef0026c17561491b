/** An error for the operator's log: its code, its words and its cause, no stack unless it is ours to mend. */
export function describe(error: Error): string {
  const code = 'code' in error ? `${String(error.code)} ` : '';
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const stack =
    process.env['PERDURE_DEBUG'] === undefined
      ? ''
      : `\n${(error.cause instanceof Error ? error.cause : error).stack ?? ''}`;
  return `${code}${error.message}${cause}${stack}`;
}
