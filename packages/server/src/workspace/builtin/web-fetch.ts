/** `web_fetch`: the text that lies at an address, under the rules of egress and those of the session's network. */
import * as z from 'zod';
import type { FetchAddress } from '../../engine/files/desk.ts';
import { type HostRules, hostAllowed, hostRules, type Matches } from '../network/rules.ts';
import { htmlText } from './html-text.ts';
import { type BuiltinTool, builtinTool, done, failed } from './tool.ts';

const MIB = 1024 * 1024;
const PAGE_BYTES = 4 * MIB;
const DEFAULT_CHARS = 20_000;
const TEXT = /^(text\/|application\/(json|xml|xhtml\+xml|yaml|javascript|x-ndjson|[a-z0-9.+-]+\+(json|xml))$)/;

export interface WebFetch {
  readonly fetch: FetchAddress;
  readonly matches: Matches;
  /** Hosts that no session reaches. */
  readonly blocked: readonly string[];
}

export function webFetch({ fetch, matches, blocked }: WebFetch): BuiltinTool {
  return builtinTool(
    {
      name: 'web_fetch',
      description:
        'Fetches a page or a text file from the web and returns its text. Pages are not run: only what they send is there.',
      idempotent: true,
    },
    z.strictObject({
      url: z.string().max(8192).describe('http:// or https://'),
      max_chars: z.int().min(1).max(200_000).nullish().describe(`How much of the text. Default: ${DEFAULT_CHARS}.`),
    }),
    async ({ url, max_chars }, { spec }, { signal }) => {
      const rules: HostRules | null = spec === null ? { allowed: null, blocked } : hostRules(spec.network, blocked);
      if (!URL.canParse(url)) return failed('invalid_arguments', 'This is no URL.');
      // Where it redirects to is checked by the rules of egress alone.
      if (rules === null || !hostAllowed(new URL(url), rules, matches))
        return failed('egress_denied', 'The network rules of this session hold the host back.');
      const { bytes, type } = await fetch(url, { as: 'file', mostBytes: PAGE_BYTES, signal });
      if (!TEXT.test(type)) return failed('not_text', `What lies there is no text: ${type}, ${bytes.length} bytes.`);
      const raw = new TextDecoder().decode(bytes);
      const text = /html/.test(type) ? htmlText(raw) : raw;
      const most = max_chars ?? DEFAULT_CHARS;
      return done(text.length > most ? `${text.slice(0, most)}\n[${text.length - most} characters left out]` : text);
    },
  );
}
