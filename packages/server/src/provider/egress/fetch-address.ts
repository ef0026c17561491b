/**
 * Fetches what lies at an address that a caller names. Every hop is checked like the first: its words, and the address that its name
 * resolves to, which is the one that is then connected to. Nothing of ours goes along: no cookie, no credential.
 */
import { isPerdureError, perdureError, type PerdureError } from '@perdure/protocol';
import type { Agent, Dispatcher } from 'undici';
import type { FetchAddress, Fetched } from '../../engine/files/desk.ts';
import { HEAD_BYTES, isImage, mediaType, typeOf } from '../../engine/files/media-type.ts';
import { checkedLookup, PrivateAddressError, type Resolve } from '../transport/address.ts';
import { undici } from '../transport/undici.ts';
import { addressAllowed, checkUrl, type EgressRules, notPublic, typeAllowed } from './rules.ts';

export interface AddressFetcher {
  readonly fetch: FetchAddress;
  close(): Promise<void>;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const FILENAME_CHARS = 255;

/** @param resolve finds the addresses of names; for tests */
export function makeAddressFetcher(rules: EgressRules, userAgent: string, resolve?: Resolve): AddressFetcher {
  const agents = new Set<Agent>();

  async function fetch(text: string, { as, mostBytes, signal }: Parameters<FetchAddress>[1]): Promise<Fetched> {
    const late = AbortSignal.timeout(rules.timeoutMs);
    const stop = signal === undefined ? late : AbortSignal.any([late, signal]);
    const most = Math.min(mostBytes, rules.maxBytes);
    let url = checkUrl(text, rules);
    for (let hop = 0; hop <= rules.redirects; hop++) {
      const agent = agentFor(url);
      try {
        const next = await ask(url, agent, { as, most, signal: stop });
        if (!('location' in next)) return next;
        url = checkUrl(next.location, rules);
      } catch (error) {
        throw problemOf(error, late.aborted);
      } finally {
        agents.delete(agent);
        await agent.destroy();
      }
    }
    throw failed(`It redirects more than ${rules.redirects} times.`);
  }

  /** Of this hop alone: a connection that one check allowed is not used after another. */
  function agentFor(url: URL): Agent {
    const lookup = checkedLookup(address => addressAllowed(address, url, rules), resolve);
    const { Agent: NewAgent } = undici();
    const agent = new NewAgent({ connect: { lookup, timeout: rules.timeoutMs }, connections: 1, maxResponseSize: -1 });
    agents.add(agent);
    return agent;
  }

  async function ask(
    url: URL,
    dispatcher: Dispatcher,
    { as, most, signal }: { readonly as: 'image' | 'file'; readonly most: number; readonly signal: AbortSignal },
  ): Promise<Fetched | { readonly location: string }> {
    const { statusCode, headers, body } = await undici().request(url.href, {
      dispatcher,
      signal,
      headers: { accept: as === 'image' ? 'image/*' : '*/*', 'accept-encoding': 'identity', 'user-agent': userAgent },
    });
    const { location } = headers;
    if (REDIRECTS.has(statusCode) && typeof location === 'string') {
      if (!URL.canParse(location, url.href)) throw failed('It redirects to no URL.');
      return { location: new URL(location, url.href).href };
    }
    if (statusCode !== 200) throw failed(`It answers with status ${statusCode}.`);
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity')
      throw failed('It answers in an encoding that was not asked for.');
    if (Number(headers['content-length'] ?? 0) > most) throw tooLarge(most);
    const bytes = await readBounded(body, most);
    return described(url, bytes, { as, said: headers['content-type'], types: rules.types });
  }

  return {
    fetch,
    close: async () => void (await Promise.all([...agents].map(agent => agent.destroy()))),
  };
}

async function readBounded(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > most) throw tooLarge(most);
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

function described(
  url: URL,
  bytes: Uint8Array,
  how: {
    readonly as: 'image' | 'file';
    readonly said: string | readonly string[] | undefined;
    readonly types: readonly string[];
  },
): Fetched {
  const filename = nameIn(url);
  const type = typeOf(bytes.subarray(0, HEAD_BYTES), mediaType(String(how.said ?? '')), filename);
  if (how.as === 'image' && !isImage(type))
    throw perdureError('file_type_not_allowed', 'What lies there is no PNG, JPEG, GIF or WebP image.');
  if (how.as === 'file' && !typeAllowed(type, how.types))
    throw perdureError('file_type_not_allowed', `Files of the type ${type} are not fetched.`);
  return { bytes, type, filename };
}

/** The last part of the path. */
function nameIn(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? '';
  const name = last === '' ? url.hostname : last;
  try {
    return decodeURIComponent(name)
      .replaceAll(/[\p{Cc}/\\]/gu, '_')
      .slice(0, FILENAME_CHARS);
  } catch {
    return name.slice(0, FILENAME_CHARS);
  }
}

/** A code and our words: those of others may name what an address must not tell. */
function problemOf(error: unknown, late: boolean): PerdureError {
  if (isPerdureError(error)) return error;
  if (hasRefused(error)) return notPublic();
  return failed(late ? 'It did not come in time.' : 'The address could not be reached.', error);
}

function hasRefused(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof PrivateAddressError) return true;
  return false;
}

function failed(message: string, cause?: unknown): PerdureError {
  return perdureError('fetch_failed', message, cause === undefined ? {} : { cause });
}

function tooLarge(most: number): PerdureError {
  return perdureError('file_too_large', `What lies at an address has ${most} bytes at most.`);
}
