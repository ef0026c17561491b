/** Keys of a server under test, as its configuration has them. */
import { createHash } from 'node:crypto';

export const secretOf = (name: string): string => `a-secret-for-${name}`;

export const keyLine = (name: string, scopes: string, tenant = 'acme'): string =>
  `  - { name: ${name}, hash: ${createHash('sha256').update(secretOf(name)).digest('hex')}, tenant: ${tenant}, scopes: [${scopes}] }`;
