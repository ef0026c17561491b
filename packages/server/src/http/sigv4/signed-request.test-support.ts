/** Requests signed by the signer that AWS's own clients use. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { SERVICE } from './admit.ts';

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface ToSign {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly at?: Date;
  readonly region?: string;
  readonly service?: string;
  /** False: the digest of the body is signed and not sent along, as botocore does it. */
  readonly checksum?: boolean;
}

export interface Signed {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
  readonly headers: { [name: string]: string };
}

/** As the signer has it. */
type HttpRequest = Parameters<SignatureV4['presign']>[0];

function laidOut({ method, url, body, headers }: ToSign): HttpRequest {
  const { protocol, hostname, port, host, pathname, searchParams } = new URL(url);
  const query = Object.fromEntries([...new Set(searchParams.keys())].map(name => [name, searchParams.getAll(name)]));
  return {
    method,
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: pathname,
    query,
    headers: { host, ...headers },
    ...(body !== undefined && { body }),
  };
}

export async function sign(signer: Signer, request: ToSign): Promise<Signed> {
  const { method, url, body, at, region = 'us-east-1', service = SERVICE, checksum = true } = request;
  const v4 = new SignatureV4({ credentials: signer, region, service, sha256: Sha256, applyChecksum: checksum });
  const { headers } = await v4.sign(laidOut(request), { signingDate: at ?? new Date() });
  return { method, url, headers: { ...headers }, ...(body !== undefined && { body }) };
}

/** Its query holds the signature. */
export async function presign(signer: Signer, request: ToSign): Promise<string> {
  const v4 = new SignatureV4({
    credentials: signer,
    region: 'us-east-1',
    service: SERVICE,
    sha256: Sha256,
  });
  const { path, query } = await v4.presign(laidOut(request));
  return `${new URL(request.url).origin}${path}?${new URLSearchParams(query as { [name: string]: string }).toString()}`;
}
