/** An answer that comes in one piece of JSON. Its size is bounded where it comes from. */
import { isProviderError } from '../engine/ports.ts';
import type { Step } from '../log/steps.ts';
import { malformed } from './in-band.ts';
import { type Fields, parseFields } from './json.ts';
import { interrupted } from './provider-error.ts';
import type { Exchange } from './transport/exchange.ts';

/** Reads the rest of an opened exchange. @throws ProviderError */
export async function readAnswer(
  exchange: Exchange,
  read: (answer: Fields, requestId: string | null) => readonly Step[],
): Promise<readonly Step[]> {
  const { requestId } = exchange;
  const body: Buffer[] = [];
  for (let chunks = await exchange.read(); chunks !== null; chunks = await exchange.read()) body.push(...chunks);
  const answer = parseFields(textOf(body));
  if (answer === null) throw malformed(requestId);
  try {
    return read(answer, requestId);
  } catch (error) {
    if (isProviderError(error)) throw error;
    throw interrupted('The answer of the model provider could not be read.', requestId);
  }
}

/** Most answers come in one chunk, and are not copied. */
function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  return (chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)).toString('utf8');
}
