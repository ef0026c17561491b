/**
 * Which handler a request is for, by Hono's routers alone: handlers write on node's own objects, so a web `Request` of each would be made for
 * nothing, and its class brings all of node's `fetch` with it (decision 0030).
 */
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { SmartRouter } from 'hono/router/smart-router';
import { TrieRouter } from 'hono/router/trie-router';
import { decodeURIComponent_, getPath, tryDecode } from 'hono/utils/url';
import type { IncomingMessage } from 'node:http';

const ALL = 'ALL';

export interface Found<Handler> {
  readonly handler: Handler;
  /** Of the path, decoded; empty if it has none of that name. */
  param(name: string): string;
}

/** The first that was added of those that fit is found. */
export class Router<Handler> {
  readonly #router = new SmartRouter<Handler>({ routers: [new RegExpRouter(), new TrieRouter()] });

  /** @param path with `:name` for what stands for a parameter */
  add(method: 'GET' | 'POST' | 'DELETE' | typeof ALL, path: string, handler: Handler): void {
    this.#router.add(method, path, handler);
  }

  /** A `HEAD` is answered as the `GET`, without its body. */
  find(method: string, path: string): Found<Handler> | null {
    const [fits, stash] = this.#router.match(method === 'HEAD' ? 'GET' : method, path);
    const [first] = fits;
    if (first === undefined) return null;
    const [handler, params] = first;
    return {
      handler,
      param(name) {
        const at = params[name];
        const text = (typeof at === 'number' ? stash?.[at] : at) ?? '';
        return text.includes('%') ? tryDecode(text, decodeURIComponent_) : text;
      },
    };
  }
}

/** What needs no second look: no escapes, no dots at the beginning of a part, nothing that an address should not have. */
const PLAIN = /^(?:\/(?!\.)[\w.~!$&'()*+,;=:@-]*)+(?=\?|$)/;
const PLAIN_HOST = /^[a-z\d.-]+(?::[1-5]?\d{1,4})?$/;

/** The path that is asked for, without its query and decoded but for what the parameters are decoded for; null if the host or the address is none. */
export function pathOf({ url = '', headers: { host = '' } }: Pick<IncomingMessage, 'url' | 'headers'>): string | null {
  const plain = PLAIN_HOST.test(host) ? PLAIN.exec(url)?.[0] : undefined;
  if (plain !== undefined) return plain;
  const [path = ''] = url.split('?', 1);
  if (path.includes('\\')) return null;
  const isWhole = /^https?:\/\//.test(url);
  if (!isWhole && (!isHost(host) || (url !== '' && !url.startsWith('/')))) return null;
  const href = isWhole ? url : `http://${host}${url}`;
  return URL.canParse(href) ? getPath({ url: new URL(href).href } as Request) : null;
}

function isHost(host: string): boolean {
  if (!URL.canParse(`http://${host}/`)) return false;
  const { href, host: read } = new URL(`http://${host}/`);
  // All of it is the host: no user, no path.
  return read !== '' && href === `http://${read}/`;
}
