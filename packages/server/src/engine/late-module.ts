/**
 * Packages that are loaded when they are first used: an idle server does not hold their code (`main/idle-modules.test.ts`). Loaded as `require`
 * does it, so that nobody waits who did not wait before.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/** @param name of a dependency of this package, or of a file in it */
export function lateModule<Exports>(name: string): () => Exports {
  let loaded: Exports | null = null;
  return () => (loaded ??= load(name) as Exports);
}
