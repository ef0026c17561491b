/** One delivery of a webhook, signed as Standard Webhooks has it (standardwebhooks.com): no redirects, one deadline, little read. */
import { createHmac } from 'node:crypto';
import type { Agent } from 'undici';
import { isPublic, literalAddress, publicLookup } from '../transport/address.ts';
import { undici } from '../transport/undici.ts';

export interface Receiver {
  readonly url: string;
  /** `whsec_` and the key in base64. Several while one takes the place of another: each signs. */
  readonly secret: string | readonly string[];
  /** Whether it may be at an address that is not public. */
  readonly allowPrivate: boolean;
}

export interface Message {
  /** The same for every try: receivers know by it what they have seen. */
  readonly id: string;
  readonly body: string;
}

/** `status`: of the answer; null if none came. */
export type Delivered =
  | { readonly ok: true; readonly status: number }
  | { readonly ok: false; readonly why: string; readonly status: number | null };

/** Bytes of an answer that are read, to let the connection end well. */
const ANSWER_BYTES = 16 * 1024;

/** `secret` is `whsec_` and the key in base64. */
export function signature(secret: string, id: string, seconds: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

export interface Sender {
  send(receiver: Receiver, message: Message): Promise<Delivered>;
  close(): Promise<void>;
}

export function makeSender(timeoutMs: number, now: () => number): Sender {
  const ending = new AbortController();
  let agents: { readonly guarded: Agent; readonly open: Agent } | null = null;

  function agentFor({ allowPrivate }: Receiver): Agent {
    if (agents === null) {
      const { Agent: NewAgent } = undici();
      const guarded = new NewAgent({ connect: { lookup: publicLookup, timeout: timeoutMs }, connections: 2 });
      agents = { guarded, open: new NewAgent({ connect: { timeout: timeoutMs }, connections: 2 }) };
    }
    return allowPrivate ? agents.open : agents.guarded;
  }

  async function send(receiver: Receiver, { id, body }: Message): Promise<Delivered> {
    const url = new URL(receiver.url);
    const literal = literalAddress(url);
    if (!receiver.allowPrivate && literal !== null && !isPublic(literal))
      return { ok: false, why: 'address_not_public', status: null };
    const seconds = Math.floor(now() / 1000);
    try {
      const { statusCode, body: answer } = await undici().request(url, {
        method: 'POST',
        dispatcher: agentFor(receiver),
        signal: AbortSignal.any([ending.signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'perdure',
          'webhook-id': id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': [receiver.secret]
            .flat()
            .map(secret => signature(secret, id, seconds, body))
            .join(' '),
        },
        body,
      });
      await answer.dump({ limit: ANSWER_BYTES }).catch(() => undefined);
      return statusCode >= 200 && statusCode < 300
        ? { ok: true, status: statusCode }
        : { ok: false, why: `status ${statusCode}`, status: statusCode };
    } catch (error) {
      return { ok: false, why: reasonOf(error), status: null };
    }
  }

  return {
    send,
    close: async () => {
      ending.abort();
      await Promise.all([agents?.guarded.destroy(), agents?.open.destroy()]);
    },
  };
}

/** A code, never a message: those may name the address, which can hold a secret of its own. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'TimeoutError') return 'timeout';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.name;
}
