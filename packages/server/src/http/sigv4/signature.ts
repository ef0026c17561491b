/** The signature that a request should have: AWS's own pieces of Signature Version 4, put together for who checks it. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { createScope, getCanonicalHeaders, getSigningKey, SignatureV4Base } from '@smithy/signature-v4';
import type { SignedWith } from './authorization.ts';
import { ALGORITHM } from './authorization.ts';

export interface SignedRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** The headers that were signed, lower case. */
  readonly headers: { readonly [name: string]: string };
  /** SHA-256 of the body, hexadecimal. */
  readonly bodyHash: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly amzDate: string;
}

/** Opens what the library has for signers, which lay a request out as whoever checks it must. */
class Layout extends SignatureV4Base {
  constructor(service: string, region: string) {
    super({ service, region, sha256: Sha256, credentials: { accessKeyId: '', secretAccessKey: '' } });
  }

  async stringToSign({ method, target, headers, bodyHash, amzDate }: SignedRequest, scope: string): Promise<string> {
    const names = new Set(Object.keys(headers));
    const [path = '', query = ''] = splitOnce(target, '?');
    const laidOut = { method, path, query: queryOf(query), headers: { ...headers }, protocol: '', hostname: '' };
    const canonical = this.createCanonicalRequest(laidOut, getCanonicalHeaders(laidOut, undefined, names), bodyHash);
    return this.createStringToSign(amzDate, scope, canonical, ALGORITHM);
  }
}

/**
 * 64 lower-case hexadecimal digits.
 * @throws URIError if the query is not well encoded
 */
export async function signatureOf(
  request: SignedRequest,
  { accessKeyId, day, region, service }: SignedWith,
  secret: string,
): Promise<string> {
  const text = await new Layout(service, region).stringToSign(request, createScope(day, region, service));
  const key = await getSigningKey(Sha256, { accessKeyId, secretAccessKey: secret }, day, region, service);
  const mac = new Sha256(key);
  mac.update(text);
  return Buffer.from(await mac.digest()).toString('hex');
}

function splitOnce(text: string, at: string): readonly string[] {
  const found = text.indexOf(at);
  return found < 0 ? [text] : [text.slice(0, found), text.slice(found + 1)];
}

/** As handlers read it: `+` is a space. */
function queryOf(query: string): Record<string, string[]> {
  const values: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  if (query === '') return values;
  const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', '%20'));
  for (const pair of query.split('&')) {
    const [name = '', value = ''] = splitOnce(pair, '=');
    (values[decoded(name)] ??= []).push(decoded(value));
  }
  return values;
}
