/** Puts values in the place of placeholders in the headers of a request. Pure. */
import type { OutgoingHttpHeaders } from 'node:http';

/**
 * The credentials of one workspace. Asked anew for each command, and each request: one that was replaced or taken away is so at once.
 * Both may fail, and then nothing is sent.
 */
export interface EdgeCredentials {
  /** Variables of commands, and the placeholder that each holds. */
  variables(): Promise<{ readonly [name: string]: string }>;
  /** For HTTPS requests to a host, in lower case: placeholder to value. Empty for a host that none is for. */
  values(host: string): Promise<Values>;
}

/** Placeholder to value. */
export type Values = ReadonlyMap<string, string>;

const BASIC = /^(basic +)([A-Za-z0-9+/]+={0,2})$/i;

/** In each value, and in what HTTP Basic encodes: programs put a token there as a password. */
export function putIntoHeaders(headers: OutgoingHttpHeaders, values: Values): OutgoingHttpHeaders {
  if (values.size === 0) return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, given]) => [
      name,
      Array.isArray(given)
        ? given.map(one => putIntoHeader(one, values))
        : typeof given === 'string'
          ? putIntoHeader(given, values)
          : given,
    ]),
  );
}

function putIntoHeader(text: string, values: Values): string {
  const [, scheme, encoded] = BASIC.exec(text) ?? [];
  if (scheme === undefined || encoded === undefined) return putIn(text, values);
  const inside = Buffer.from(encoded, 'base64').toString('latin1');
  const put = putIn(inside, values);
  return put === inside ? text : `${scheme}${Buffer.from(put, 'latin1').toString('base64')}`;
}

/** One pass: a value that looks like a placeholder is a value. Bytes of UTF-8, as headers are sent. */
export function putIn(text: string, values: Values): string {
  const any = new RegExp([...values.keys()].map(literal).join('|'), 'g');
  return text.replace(any, found => Buffer.from(values.get(found) ?? found, 'utf8').toString('latin1'));
}

function literal(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, found => `\\${found}`);
}
