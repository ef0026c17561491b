/**
 * Asks OAuth token endpoints, whose addresses tenants name: under the rules of egress, at the very address that was looked at, without
 * following redirects. Nothing of the request or the answer is in an error (L9).
 */
import { isPerdureError, perdureError } from '@perdure/protocol';
import type { Agent } from 'undici';
import type { AskTokenEndpoint } from '../../engine/vaults/ports.ts';
import { checkedLookup, PrivateAddressError, type Resolve } from '../transport/address.ts';
import { undici } from '../transport/undici.ts';
import { addressAllowed, checkUrl, denied, type EgressRules, notPublic } from './rules.ts';

export interface TokenEndpoints {
  readonly ask: AskTokenEndpoint;
  close(): Promise<void>;
}

/** Bytes of an answer. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** @param resolve finds the addresses of names; for tests */
export function makeTokenEndpoints(given: EgressRules, userAgent: string, resolve?: Resolve): TokenEndpoints {
  // That targets fetch for themselves says nothing of what is public.
  const rules: EgressRules = given.mode === 'passthrough' ? { ...given, mode: 'public' } : given;
  const agents = new Set<Agent>();

  const ask: AskTokenEndpoint = async ({ url: text, form, basic, signal }) => {
    if (rules.mode === 'none') throw denied('This server asks no token endpoints (egress.mode is none).');
    const url = checkUrl(text, rules);
    const lookup = checkedLookup(address => addressAllowed(address, url, rules), resolve);
    const { Agent: NewAgent, request } = undici();
    const agent = new NewAgent({ connect: { lookup, timeout: rules.timeoutMs }, connections: 1 });
    agents.add(agent);
    const late = AbortSignal.timeout(rules.timeoutMs);
    try {
      const { statusCode: status, body } = await request(url.href, {
        dispatcher: agent,
        method: 'POST',
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          'accept-encoding': 'identity',
          'user-agent': userAgent,
          ...(basic !== null && { authorization: `Basic ${credentials(basic)}` }),
        },
        body: new URLSearchParams(form).toString(),
      });
      return { status, body: await readJson(body) };
    } catch (error) {
      if (isPerdureError(error)) throw error;
      if (hasRefused(error)) throw notPublic();
      throw perdureError(
        'fetch_failed',
        late.aborted ? 'The token endpoint did not answer in time.' : 'The token endpoint could not be reached.',
      );
    } finally {
      agents.delete(agent);
      await agent.destroy();
    }
  };

  return { ask, close: async () => void (await Promise.all([...agents].map(agent => agent.destroy()))) };
}

/** Each half encoded as a form's value, as RFC 6749, section 2.3.1, wants it. */
function credentials({ user, password }: { readonly user: string; readonly password: string }): string {
  const encoded = [user, password].map(half => new URLSearchParams({ a: half }).toString().slice(2));
  return Buffer.from(encoded.join(':'), 'utf8').toString('base64');
}

/** Null for what is no JSON. */
async function readJson(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) throw perdureError('fetch_failed', 'The answer of the token endpoint is too long.');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts, size).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

function hasRefused(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof PrivateAddressError) return true;
  return false;
}
