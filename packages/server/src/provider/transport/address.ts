/** Which addresses may be asked at another's word. What an operator did not mean to name (metadata services, the network behind) is not. */
import { type LookupAddress, type LookupOptions, lookup as resolve } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

/** Everything that IANA's registries of special-purpose addresses do not call globally reachable, and multicast. Apart: a list takes an IPv4 address for its IPv6 form too. */
const NOT_PUBLIC = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  NOT_PUBLIC.ipv4.addSubnet(net, prefix, 'ipv4');
/** Of IPv6 only 2000::/3 is given out, and parts of it wrap other addresses or are for documents. */
for (const [net, prefix] of [
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  NOT_PUBLIC.ipv6.addSubnet(net, prefix, 'ipv6');

export function isPublic(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  return !NOT_PUBLIC[family].check(address, family);
}

export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
  readonly code = 'address_not_public';
}

/** The host of a URL, if it is an address and no name. Names are looked at when they are resolved. */
export function literalAddress(url: URL): string | null {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? null : host;
}

/** Addresses of this machine's links, metadata services among them: asked at nobody's word. */
const LINK_LOCAL = { ipv4: new BlockList(), ipv6: new BlockList() };
LINK_LOCAL.ipv4.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.ipv4.addSubnet('0.0.0.0', 8, 'ipv4');
LINK_LOCAL.ipv6.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.ipv6.addSubnet('fd00:ec2::', 32, 'ipv6');
LINK_LOCAL.ipv6.addSubnet('64:ff9b::', 96, 'ipv6');
LINK_LOCAL.ipv6.addSubnet('::ffff:0:0', 96, 'ipv6');

/** What is not public and may yet be named: a private network, this machine. */
export function isPrivate(address: string): boolean {
  const version = isIP(address);
  if (version === 0 || isPublic(address)) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  return !LINK_LOCAL[family].check(address, family);
}

/** Finds all addresses of a name. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/**
 * Resolves names for connections, each of which then goes to the very address that was looked at. A name with any address that is not
 * allowed is refused.
 */
export function checkedLookup(
  allowed: (address: string, hostname: string) => boolean,
  resolveAll: Resolve = resolve,
): LookupFunction {
  return (hostname, options, callback) => {
    resolveAll(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const hidden = found.some(({ address }) => !allowed(address, hostname));
      const [first] = found;
      if (hidden || first === undefined)
        callback(new PrivateAddressError('the name has an address that is not public'), '');
      else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}

export const publicLookup: LookupFunction = checkedLookup(isPublic);
