/** What a tool that ran elsewhere fails with, where nobody knows whether it did its work (L6). */
import { isPerdureError } from '@perdure/protocol';

/** Whether a worker had what was asked of it, and did not say what became of that. */
export function mayHaveRun(error: unknown): boolean {
  if (!isPerdureError(error) || error.code !== 'environment_disconnected') return false;
  return error.details?.['delivered'] === true || error.details?.['worker_code'] === 'outcome_unknown';
}
