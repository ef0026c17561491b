/**
 * Takes the clock away from a thread: whatever asks for the time is told the same, and the time zone is UTC, whatever the host's is. The interpreter
 * asks the thread it runs in, so a program can find no other time, by whatever way.
 */

const LOCAL = ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds'] as const;

/** @param at ms since 1970. For a thread that does nothing else: it cannot be undone. */
export function fixTime(at: number): void {
  const { prototype } = Date;
  for (const part of LOCAL)
    Object.defineProperty(prototype, `get${part}`, { value: prototype[`getUTC${part}`], configurable: true });
  Object.defineProperty(prototype, 'getTimezoneOffset', { value: () => 0, configurable: true });
  Object.defineProperty(Date, 'now', { value: () => at, configurable: true });
  Object.defineProperty(performance, 'now', { value: () => 0, configurable: true });
}
