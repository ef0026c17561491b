/**
 * The fetch that MCP servers over HTTP are asked with. Every request is checked by its words and by the address that its name resolves
 * to, those to authorization servers and after redirects too; credentials go to the origin of the server alone; answers are bounded.
 */
import type { FetchLike } from '@modelcontextprotocol/client';
import type { Agent } from 'undici';
import { addressAllowed, checkUrl, type EgressRules } from '../egress/rules.ts';
import { checkedLookup, type Resolve } from '../transport/address.ts';
import { undici } from '../transport/undici.ts';

export interface GuardedFetch {
  readonly fetch: FetchLike;
  /** Ends every connection, and what still runs on it. */
  readonly close: () => Promise<void>;
}

export interface GuardOptions {
  readonly server: URL;
  readonly egress: EgressRules;
  readonly wireBytes: number;
  readonly connectMs: number;
  readonly userAgent: string;
  /** Of the server's origin alone. `fresh`: those that it had were refused. */
  readonly credentials: (fresh: boolean) => Promise<{ readonly [name: string]: string }>;
  /** Told when an answer is larger than is read. */
  readonly tooLarge: () => void;
  /** Asked instead of the network, under rules of its own, and without credentials. */
  readonly via: FetchLike | null;
  /** Finds the addresses of names; for tests. */
  readonly resolve?: Resolve | undefined;
}

export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
}

export function guardedFetch(options: GuardOptions): GuardedFetch {
  const { server, egress, userAgent } = options;
  const agents = new Map<string, Agent>();

  /** One an origin: a connection that was checked for one host is not used for another. */
  function agentFor(url: URL): Agent {
    const known = agents.get(url.origin);
    if (known !== undefined) return known;
    const { Agent: NewAgent } = undici();
    const agent = new NewAgent({
      connect: {
        lookup: checkedLookup(address => addressAllowed(address, url, egress), options.resolve),
        timeout: options.connectMs,
      },
      // Deadlines are the calls': a stream of notifications may be silent for long.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    agents.set(url.origin, agent);
    return agent;
  }

  async function ask(url: URL, init: RequestInit, secrets: { readonly [name: string]: string }): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('user-agent', userAgent);
    for (const [name, value] of Object.entries(secrets)) headers.set(name, value);
    const answer = await undici().fetch(url.href, {
      ...(init as object),
      headers: Object.fromEntries(headers),
      redirect: init.redirect === 'error' ? 'error' : 'manual',
      dispatcher: agentFor(url),
    });
    return bounded(answer, options);
  }

  return {
    async fetch(where, init = {}) {
      if (options.via !== null) return bounded(await options.via(where, { ...init, redirect: 'manual' }), options);
      const url = checkUrl(String(where), egress);
      if (url.origin !== server.origin) return ask(url, init, {});
      const first = await ask(url, init, await options.credentials(false));
      if (first.status !== 401) return first;
      const fresh = await options.credentials(true);
      if (Object.keys(fresh).length === 0) return first;
      await first.body?.cancel();
      return ask(url, init, fresh);
    },
    close: async () => void (await Promise.all([...agents.values()].map(agent => agent.destroy()))),
  };
}

function bounded(answer: Response, { wireBytes, tooLarge }: Pick<GuardOptions, 'wireBytes' | 'tooLarge'>): Response {
  if (answer.body === null) return answer;
  let size = 0;
  const counted = answer.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size <= wireBytes) {
          controller.enqueue(chunk);
          return;
        }
        controller.error(new AnswerTooLargeError(`An answer has ${wireBytes} bytes at most.`));
        tooLarge();
      },
    }),
  );
  return new Response(counted, { status: answer.status, statusText: answer.statusText, headers: answer.headers });
}
