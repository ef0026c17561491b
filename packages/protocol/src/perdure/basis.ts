/** Which contracts a statement about money goes by. */
import * as z from 'zod';

export type StatementBasis = {
  /** `configuration`: nothing was activated where it was made. */
  readonly source: 'active' | 'configuration';
  readonly activation: string | null;
  /** A moment, in UTC: since when it is in force. */
  readonly since: string | null;
  /** Their ids. */
  readonly contracts: readonly string[];
  /** What has happened, as tranches wait for it; days in UTC. */
  readonly events: readonly { readonly id: string; readonly date: string }[];
};

const text = z.string();
export const statementBasisSchema: z.ZodType<StatementBasis> = z.object({
  source: z.enum(['active', 'configuration']),
  activation: text.nullable(),
  since: text.nullable(),
  contracts: z.array(text),
  events: z.array(z.object({ id: text, date: text })),
});
