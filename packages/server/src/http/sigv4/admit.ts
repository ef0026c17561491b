/**
 * Who signed a request, if he may ask. What is checked, in this order, so that nobody without a key makes us read a body of his:
 *
 *  V1  The form: header form only, of this service, in a region that the operator configured.
 *  V2  The time: at most `SKEW_MS` away, either way. Within it the same request can be sent again by whoever saw it.
 *  V3  What must be signed is: host, x-amz-date, and every x-amz-* header that is there.
 *  V4  The signature, compared in constant time.
 *  V5  The body: its own digest, never one that is only claimed.
 */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Caller } from '../../engine/caller.ts';
import { readAhead } from '../body.ts';
import type { HttpLimits } from '../types.ts';
import { momentOf, parseAuthorization, type SignedWith } from './authorization.ts';
import type { SignedRequest } from './signature.ts';

export const SERVICE = 'bedrock-mantle';
/** How far the clock of a caller may be off, ms. */
export const SKEW_MS: number = 15 * 60_000;
const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** For keys that nobody has. */
const NO_SECRET = '0'.repeat(40);

export interface Signing {
  /** Regions that may be signed for. None: signatures are not accepted. */
  readonly regions: readonly string[];
  /** Whether a session token may be there. It is signed with the rest and not looked at: keys of this server have none. */
  readonly sessionTokens: boolean;
  /** Null for a key that is unknown, or was revoked. */
  find(accessKeyId: string): { readonly caller: Caller; readonly secret: string } | null;
  /** ms since 1970. */
  now(): number;
}

/** @throws PerdureError invalid_signature, signature_expired, signature_not_allowed, body_too_large, request_too_slow */
export async function admitSigned(signing: Signing, req: IncomingMessage, limits: HttpLimits): Promise<Caller> {
  const signed = parseAuthorization(req.headers.authorization ?? '');
  if (signed === null)
    throw invalid(
      'The Authorization header is not "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...".',
    );
  checkScope(signing, signed, req);
  const amzDate = checkTime(signing, signed, req);
  const headers = signedHeaders(signed, req);
  const claimed = claimedHash(req);
  const key = signing.find(signed.accessKeyId);
  const check = async (bodyHash: string): Promise<Caller> => {
    const { method = '', url: target = '' } = req;
    const expected = await expectedOf({ method, target, headers, bodyHash, amzDate }, signed, key?.secret ?? NO_SECRET);
    const same = timingSafeEqual(Buffer.from(expected, 'hex'), Buffer.from(signed.signature, 'hex'));
    if (!same || key === null)
      throw invalid(
        'The signature does not match: check the access key, the secret, and that nothing between changes host, path, query, signed headers or body.',
      );
    return key.caller;
  };
  if (claimed === null) return check(key === null ? EMPTY_HASH : await bodyHashOf(req, limits));
  const caller = await check(claimed);
  if ((await bodyHashOf(req, limits)) !== claimed) throw invalid('x-amz-content-sha256 is not the digest of the body.');
  return caller;
}

/** A presigned address: the signature is in the query. */
export function isPresigned(url: string | undefined): boolean {
  return /[?&]x-amz-(signature|algorithm|credential)=/i.test(url ?? '');
}

export function presignedRefused(): PerdureError {
  return notAllowed('Presigned addresses are not accepted: sign with the Authorization header.');
}

function checkScope({ regions, sessionTokens }: Signing, signed: SignedWith, req: IncomingMessage): void {
  if (regions.length === 0)
    throw notAllowed('This server accepts no AWS signatures: sigv4.regions of its configuration names no region.');
  if (signed.service !== SERVICE) throw notAllowed(`Sign for the service ${SERVICE}.`);
  if (!regions.includes(signed.region))
    throw notAllowed('The signature is for a region that this server does not serve.');
  if (req.headers['x-amz-security-token'] !== undefined && !sessionTokens)
    throw notAllowed('Session tokens are not accepted: keys of this server have none.');
}

/** @returns x-amz-date */
function checkTime(signing: Signing, signed: SignedWith, req: IncomingMessage): string {
  const amzDate = String(req.headers['x-amz-date'] ?? '');
  const at = momentOf(amzDate);
  if (at === null) throw invalid('x-amz-date must be a moment as 20261101T120000Z.');
  if (!amzDate.startsWith(signed.day)) throw invalid('x-amz-date is not of the day that the credential names.');
  if (Math.abs(signing.now() - at) > SKEW_MS)
    throw perdureError('signature_expired', `x-amz-date is more than ${SKEW_MS / 60_000} minutes from now.`);
  return amzDate;
}

function signedHeaders(signed: SignedWith, req: IncomingMessage): { readonly [name: string]: string } {
  const names = new Set(signed.signedHeaders);
  const must = ['host', 'x-amz-date', ...Object.keys(req.headers).filter(name => name.startsWith('x-amz-'))];
  const missing = must.find(name => !names.has(name));
  if (missing !== undefined) throw invalid(`The header ${missing} must be signed.`);
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const name = (req.rawHeaders[i] ?? '').toLowerCase();
    if (!names.has(name)) continue;
    if (values.has(name)) throw invalid(`The signed header ${name} was sent more than once.`);
    values.set(name, (req.rawHeaders[i + 1] ?? '').trim());
  }
  const absent = signed.signedHeaders.find(name => !values.has(name));
  if (absent !== undefined) throw invalid(`The signed header ${absent} was not sent.`);
  return Object.fromEntries(values);
}

/** Null if the body's digest was not sent along. */
function claimedHash(req: IncomingMessage): string | null {
  const given = req.headers['x-amz-content-sha256'];
  if (given === undefined) return null;
  if (/^(UNSIGNED-PAYLOAD|STREAMING-)/.test(String(given)))
    throw notAllowed(
      'The body must be signed whole: send its SHA-256 as x-amz-content-sha256, or leave the header out.',
    );
  if (!/^[0-9a-f]{64}$/.test(String(given)))
    throw invalid('x-amz-content-sha256 must be 64 lower-case hexadecimal digits.');
  return String(given);
}

async function bodyHashOf(req: IncomingMessage, limits: HttpLimits): Promise<string> {
  const none = req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined;
  if (none || req.headers['content-length'] === '0') return EMPTY_HASH;
  return createHash('sha256')
    .update(await readAhead(req, limits))
    .digest('hex');
}

async function expectedOf(request: SignedRequest, signed: SignedWith, secret: string): Promise<string> {
  // Few servers are asked so: the library is loaded by the first that is.
  const { signatureOf } = await import('./signature.ts');
  try {
    return await signatureOf(request, signed, secret);
  } catch (error) {
    if (error instanceof URIError) throw invalid('The query is not well encoded.');
    throw error;
  }
}

function invalid(message: string): PerdureError {
  return perdureError('invalid_signature', message);
}

function notAllowed(message: string): PerdureError {
  return perdureError('signature_not_allowed', message);
}
