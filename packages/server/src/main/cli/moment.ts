import { datetimeMs } from '../../contract/instant.ts';
import { CliError, EXIT } from './exit.ts';

/**
 * ms since 1970 of `--from` (inclusive) and `--to` (exclusive); null where it was not given.
 * @param now ms since 1970: where the time ends without `--to`
 * @throws CliError if one is no time, or the one is after the other
 */
export function windowOptions(
  command: string,
  options: { readonly from?: string | undefined; readonly to?: string | undefined },
  now: number,
): { readonly from: number | null; readonly to: number | null } {
  const from = momentOption(command, '--from', options.from);
  const to = momentOption(command, '--to', options.to);
  if (from !== null && from > (to ?? now))
    throw new CliError(EXIT.usage, `${command}: --from is after ${to === null ? 'now' : '--to'}`);
  return { from, to };
}

/** As tables show it, UTC. @param seconds since 1970 */
export function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** ms since 1970 of an option that takes a day or a moment; null if it was not given. @throws CliError */
export function momentOption(command: string, option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = datetimeMs(text);
  if (ms !== null) return ms;
  throw new CliError(
    EXIT.usage,
    `${command}: ${option} takes a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z, not "${text}"`,
  );
}
