/** An offer as perdure.yaml writes it, as clauses are told it. */
import type { FirstRefusal } from '../../placement/facts.ts';
import type { FileFirstRefusal } from './file-form.ts';

export function refusalOf({ id, product, offered, deadline, ...answers }: FileFirstRefusal): FirstRefusal {
  const { accepted, declined, source } = answers;
  const kind = accepted ? 'accepted' : 'declined';
  const date = accepted ?? declined;
  return { id, product: product ?? null, offered, deadline, answer: date ? { kind, date } : null, source };
}
