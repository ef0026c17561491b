import { datetimeMs } from '../../contract/instant.ts';
import { CliError, EXIT } from './exit.ts';

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
