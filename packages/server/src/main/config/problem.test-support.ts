import { ConfigError } from './problem.ts';

/** What is wrong with a configuration, as its reader is told; null if nothing is. */
export function problemOf(load: () => unknown): string | null {
  try {
    load();
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}
