import { CliError, EXIT } from '../cli/exit.ts';
import type { RecordedData } from './recorded.ts';

/**
 * A tenant of which nothing is recorded is a slip of the pen: a report of zeros would pass for evidence.
 * @param tenant null: all
 * @throws CliError
 */
export async function mustKnow(
  command: string,
  data: Pick<RecordedData, 'hasTenant'>,
  tenant: string | null,
): Promise<void> {
  if (tenant === null || (await data.hasTenant(tenant))) return;
  throw new CliError(EXIT.usage, `${command}: --tenant ${tenant}: no placement of it is recorded there`);
}
