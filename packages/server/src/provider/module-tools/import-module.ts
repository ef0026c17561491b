/** The one place that loads code which is not this package's: a file that the operator names. `architecture.test-support.ts` knows it. */
import { pathToFileURL } from 'node:url';

export async function importModule(path: string): Promise<{ readonly [name: string]: unknown }> {
  return (await import(pathToFileURL(path).href)) as { readonly [name: string]: unknown };
}
