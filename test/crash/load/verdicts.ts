/** What the reviewer says of a tool call: by its ticket alone, so that whoever reads a log knows what was to be said. */
export const REVIEW_MODEL = 'crash-reviewer';

/** Two of three. */
export function reviewerPermits(ticket: string): boolean {
  return ticket.charCodeAt(0) % 3 > 0;
}
