/** Which addresses are fetched from, by their host. Pure: what a name resolves to is looked at when it is. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { isPrivate, isPublic, literalAddress } from '../transport/address.ts';

export interface EgressRules {
  /** `passthrough` never comes here: then nothing is fetched. */
  readonly mode: 'none' | 'public' | 'allow-list' | 'passthrough';
  /** `files.example.com`, `*.example.com` (any depth, not the name itself), each with or without a port. Of `allow-list`. */
  readonly hosts: readonly string[];
  /** Those of the hosts, written the same way, that may be at private addresses. */
  readonly privateHosts: readonly string[];
  /** Media types of files that are taken, `text/*` for all of a kind. Images are always those that models take. */
  readonly types: readonly string[];
  readonly maxBytes: number;
  /** From the first request to the last byte, redirects included, ms. */
  readonly timeoutMs: number;
  readonly redirects: number;
}

const DEFAULT_PORTS: { readonly [protocol: string]: string } = { 'http:': '80', 'https:': '443' };

/** A URL that may be asked, as far as its words tell. @throws egress_denied, invalid_request */
export function checkUrl(text: string, rules: EgressRules): URL {
  if (!URL.canParse(text)) throw perdureError('invalid_request', 'This is no URL.');
  const url = new URL(text);
  if (!Object.hasOwn(DEFAULT_PORTS, url.protocol))
    throw perdureError('invalid_request', 'Only http:, https: and data: URLs are taken.');
  if (url.username !== '' || url.password !== '') throw denied('A URL with credentials in it is not fetched.');
  if (rules.mode === 'none')
    throw denied('This server fetches no addresses (egress.mode is none): send a data URL, or upload a file.');
  if (rules.mode === 'public' && url.port !== '') throw denied('Only the usual ports of http and https are asked.');
  if (rules.mode === 'allow-list' && !matchesAny(url, rules.hosts)) throw denied('The host is not on the allow-list.');
  const literal = literalAddress(url);
  if (literal !== null && !addressAllowed(literal, url, rules)) throw notPublic();
  return url;
}

/** Whether a connection for the URL may go to an address. */
export function addressAllowed(address: string, url: URL, rules: EgressRules): boolean {
  if (isPublic(address)) return true;
  return rules.mode === 'allow-list' && isPrivate(address) && matchesAny(url, rules.privateHosts);
}

export function matchesAny(url: URL, patterns: readonly string[]): boolean {
  return patterns.some(pattern => matches(url, pattern));
}

function matches(url: URL, pattern: string): boolean {
  const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  const asked = url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port;
  if (port === undefined ? url.port !== '' : asked !== port) return false;
  const name = url.hostname.replace(/\.$/, '');
  return host.startsWith('*.') ? name.endsWith(host.slice(1)) && name.length > host.length - 1 : name === host;
}

/** Whether a file of a media type is taken. */
export function typeAllowed(type: string, types: readonly string[]): boolean {
  return types.some(one => one === '*/*' || one === type || (one.endsWith('/*') && type.startsWith(one.slice(0, -1))));
}

export function denied(message: string): PerdureError {
  return perdureError('egress_denied', message);
}

export function notPublic(): PerdureError {
  return denied('The address is not public.');
}
