/** The day in UTC of a time in ms since 1970, written `2026-03-20`. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The same where no time is a time too: what is open has no end. */
export function dayOrNull(ms: number | null): string | null {
  return ms === null ? null : dayOf(ms);
}
