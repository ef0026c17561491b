/** Cedar's `ip`: an address or a range in CIDR form. The oracle test holds it to Cedar's own parser. */
import { EvaluationError, type IpValue } from './value.ts';

const MAX_TEXT = 43;

export function parseIp(text: string): IpValue {
  const value = tryParseIp(text);
  if (value === null) throw new EvaluationError(`not an IP address or range: ${JSON.stringify(text)}`);
  return value;
}

function tryParseIp(text: string): IpValue | null {
  if (text.length > MAX_TEXT) return null;
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const v4 = parseV4(host);
  const address = v4 ?? parseV6(host);
  if (address === null) return null;
  const bits = v4 === null ? 128 : 32;
  const prefix = slash < 0 ? bits : parsePrefix(text.slice(slash + 1), bits);
  return prefix === null ? null : { kind: 'ip', version: v4 === null ? 6 : 4, address, prefix };
}

function parsePrefix(text: string, bits: number): number | null {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(text)) return null;
  const prefix = Number(text);
  return prefix <= bits ? prefix : null;
}

function parseV4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let address = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    address = address * 256n + BigInt(part);
  }
  return address;
}

/** Only hexadecimal groups: Cedar refuses the mixed notation that ends in an IPv4 address. */
function parseV6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map(half => (half === '' ? [] : half.split(':')));
  const [head = [], tail = []] = groups;
  const written = head.length + tail.length;
  if (halves.length === 1 ? written !== 8 : written > 7) return null;
  const all = [...head, ...Array.from({ length: 8 - written }, () => '0'), ...tail];
  let address = 0n;
  for (const group of all) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
    address = address * 65536n + BigInt(`0x${group}`);
  }
  return address;
}

function bounds(ip: IpValue): { first: bigint; last: bigint } {
  const free = BigInt((ip.version === 4 ? 32 : 128) - ip.prefix);
  const first = (ip.address >> free) << free;
  return { first, last: first + (1n << free) - 1n };
}

export function ipInRange(ip: IpValue, range: IpValue): boolean {
  if (ip.version !== range.version) return false;
  const inner = bounds(ip);
  const outer = bounds(range);
  return outer.first <= inner.first && inner.last <= outer.last;
}

const LOOPBACK = { 4: parseIp('127.0.0.0/8'), 6: parseIp('::1') };
const MULTICAST = { 4: parseIp('224.0.0.0/4'), 6: parseIp('ff00::/8') };

export function ipIsLoopback(ip: IpValue): boolean {
  return ipInRange(ip, LOOPBACK[ip.version]);
}

export function ipIsMulticast(ip: IpValue): boolean {
  return ipInRange(ip, MULTICAST[ip.version]);
}
