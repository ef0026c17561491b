/** Whether a server runs already where one would: it is left alone, and the story says so. */
import { createPerdureClient } from '@perdure/client';

const PROBE_MS = 500;

/** One line about it; null if nobody is there. */
export async function serverBeside(
  url: string,
  env: { readonly [name: string]: string | undefined },
): Promise<string | null> {
  const key = env['PERDURE_API_KEY'];
  const client = createPerdureClient({ baseURL: url, timeoutMs: PROBE_MS, ...(key !== undefined && { apiKey: key }) });
  try {
    await client.health.live();
  } catch {
    return null;
  }
  const targets = await client.targets.list().then(
    ({ data }) => data,
    () => null,
  );
  const what =
    targets === null
      ? ''
      : ` (${targets.length} targets${targets.every(target => target.emulated) ? ', emulated' : ''})`;
  return `A server runs at ${url}${what} and is left alone: this story kills one, so it plays on one of its own beside it.`;
}
