/** A fetch under the network rules of a workspace: what its commands may reach, and nothing else. */
import { perdureError } from '@perdure/protocol';
import type { Agent } from 'undici';
import { isIP } from 'node:net';
import { checkedLookup } from '../transport/address.ts';
import { undici } from '../transport/undici.ts';

export interface NetworkOf {
  /** As far as the name tells. */
  readonly mayAsk: (url: URL) => boolean;
  readonly addressAllowed: (address: string, url: URL) => boolean;
}

/** A connection that nothing was asked on for so long is ended, ms. */
const IDLE_MS = 1_000;
const CONNECT_MS = 10_000;

/** Redirects are not followed. @returns what fails with egress_denied for what the rules hold back */
export function fetchWithin(network: NetworkOf): (where: string | URL, init?: RequestInit) => Promise<Response> {
  /** One an origin: a connection that was checked for one host is not used for another. */
  const agents = new Map<string, Agent>();
  const agentFor = (url: URL): Agent => {
    const known = agents.get(url.origin);
    if (known !== undefined) return known;
    const { Agent: NewAgent } = undici();
    const agent = new NewAgent({
      connect: { lookup: checkedLookup(address => network.addressAllowed(address, url)), timeout: CONNECT_MS },
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    agents.set(url.origin, agent);
    return agent;
  };
  return async (where, init = {}) => {
    const url = new URL(where);
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    const plain = url.protocol === 'http:' || url.protocol === 'https:';
    if (
      !plain ||
      url.username !== '' ||
      !network.mayAsk(url) ||
      (isIP(literal) !== 0 && !network.addressAllowed(literal, url))
    )
      throw perdureError('egress_denied', `The network rules of the environment hold back ${url.hostname}.`);
    const answer = await undici().fetch(url.href, {
      ...(init as object),
      headers: Object.fromEntries(new Headers(init.headers)),
      redirect: 'manual',
      dispatcher: agentFor(url),
    });
    return answer;
  };
}
