import { hash } from 'node:crypto';
import type { Identity } from './reply.ts';

export const sha256 = (data: Buffer | string): string => hash('sha256', data, 'hex');

/** A request's number and body digest name it: two emulators given the same requests in order give the same ids. */
export interface RequestIdentity extends Identity {
  readonly requestId: string;
}

export function identityOf(
  seed: string,
  cloud: string,
  number: number,
  bodyDigest: string,
  nowMs: number,
): RequestIdentity {
  const name = sha256(`${seed}\n${cloud}\n${number}\n${bodyDigest}`);
  return {
    requestId: `req_${name.slice(32)}`,
    createdAt: Math.floor(nowMs / 1000),
    id: (prefix, index = 0) => `${prefix}${name.slice(0, 46)}${index.toString(16).padStart(2, '0')}`,
  };
}
