/** Where permissions lie: a folder by its path, or a shipped one by its name. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../../contract/finding.ts';

/** Where shipped permissions lie: in the published package, or at the root of a checkout. */
const SHIPPED = ['../../../permissions', '../../../../../permissions'].map(path =>
  fileURLToPath(new URL(path, import.meta.url)),
);

export class PermissionsError extends Error {
  override readonly name = 'PermissionsError';
  readonly code: 'permissions_invalid' | 'permissions_not_found';
  readonly findings: readonly Finding[];
  constructor(code: PermissionsError['code'], message: string, findings: readonly Finding[] = []) {
    super(message);
    this.code = code;
    this.findings = findings;
  }
}

/**
 * The folder that a name or path means.
 * @throws PermissionsError permissions_not_found
 */
export function permissionFolder(nameOrPath: string, base: string): string {
  const isName = /^[a-z0-9][a-z0-9.-]*$/.test(nameOrPath);
  const shipped = isName ? SHIPPED.map(root => join(root, nameOrPath)) : [];
  const found = [resolve(base, nameOrPath), ...shipped].find(folder => existsSync(folder));
  if (found !== undefined) return found;
  throw new PermissionsError('permissions_not_found', `no folder of permissions at ${JSON.stringify(nameOrPath)}`);
}
