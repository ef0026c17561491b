/** The names of scopes. */
import { SCOPES } from '../cli/scopes.ts';
import type { Scope } from '../config/config.ts';

export const SCOPE_NAMES: readonly Scope[] = Object.keys(SCOPES).filter(isScope);

export function isScope(name: string): name is Scope {
  return Object.hasOwn(SCOPES, name);
}
