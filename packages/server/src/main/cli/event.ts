import { day, id } from '../../contract/manifest-words.ts';
import { CliError, EXIT } from './exit.ts';

/** An event that a flag supposes, as `agi-verified=2026-03-01`. */
export interface NamedDay {
  readonly id: string;
  /** A day in UTC, YYYY-MM-DD. */
  readonly date: string;
}

/** @throws CliError if it is not the id of an event and a day that exists */
export function eventOption(command: string, text: string): NamedDay {
  const at = text.indexOf('=');
  const event = id.safeParse(text.slice(0, Math.max(at, 0)));
  const date = day.safeParse(text.slice(at + 1));
  if (event.success && date.success) return { id: event.data, date: date.data };
  throw new CliError(
    EXIT.usage,
    `${command}: --event takes an id and a day, as agi-verified=2026-03-01, not "${text}"`,
  );
}
