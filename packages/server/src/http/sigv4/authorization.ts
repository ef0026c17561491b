/** The header `Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`, taken apart. Pure. */

export interface SignedWith {
  readonly accessKeyId: string;
  /** `YYYYMMDD`. */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  /** Lower case, in the order in which they were signed. */
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hexadecimal digits. */
  readonly signature: string;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Characters of the header, and names in it. */
export const MAX_AUTHORIZATION_CHARS = 4096;
export const MAX_SIGNED_HEADERS = 64;

/** Whether somebody meant to sign, well or not, and by whatever algorithm of AWS. */
export function isSigned(authorization: string | undefined): boolean {
  return /^AWS4-/i.test(authorization ?? '');
}

const SCOPE = /^([A-Za-z0-9]{1,128})\/([0-9]{8})\/([A-Za-z0-9-]{1,64})\/([A-Za-z0-9-]{1,64})\/aws4_request$/;
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** Null for what has not the form. */
export function parseAuthorization(authorization: string): SignedWith | null {
  if (authorization.length > MAX_AUTHORIZATION_CHARS || !authorization.startsWith(`${ALGORITHM} `)) return null;
  const parts = new Map<string, string>();
  for (const part of authorization.slice(ALGORITHM.length + 1).split(',')) {
    const [, name = '', value = ''] = /^\s*(Credential|SignedHeaders|Signature)=(\S+)\s*$/.exec(part) ?? [];
    if (name === '' || parts.has(name)) return null;
    parts.set(name, value);
  }
  const [, accessKeyId, day, region, service] = SCOPE.exec(parts.get('Credential') ?? '') ?? [];
  if (accessKeyId === undefined || day === undefined || region === undefined || service === undefined) return null;
  const signedHeaders = (parts.get('SignedHeaders') ?? '').split(';');
  if (signedHeaders.length > MAX_SIGNED_HEADERS || !signedHeaders.every(name => HEADER_NAME.test(name))) return null;
  if (signedHeaders.some((name, at) => at > 0 && name <= (signedHeaders[at - 1] ?? ''))) return null;
  const signature = parts.get('Signature') ?? '';
  if (!/^[0-9a-f]{64}$/.test(signature)) return null;
  return { accessKeyId, day, region, service, signedHeaders, signature };
}

/** ms since 1970 of `YYYYMMDDTHHMMSSZ`; null for anything else. */
export function momentOf(amzDate: string): number | null {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(amzDate) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = Date.parse(iso);
  // What does not come back the same is no day of the calendar.
  return Number.isNaN(at) || new Date(at).toISOString() !== iso ? null : at;
}
