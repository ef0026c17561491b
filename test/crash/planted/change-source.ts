/** For planted defects: files of the server become something else as they are loaded. */
import { registerHooks } from 'node:module';

/** The end of a file's path, and what its text becomes. */
export type SourceChange = readonly [file: string, change: (source: string) => string];

/** What a change does not find it cannot plant: then the server does not start. */
export function changeSources(changes: readonly SourceChange[]): void {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const change = changes.find(([file]) => url.endsWith(file))?.[1];
      if (change === undefined || loaded.source == null) return loaded;
      const source =
        typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
      const changed = change(source);
      if (changed === source) throw new Error(`${url} is not what the planted defect changes`);
      return { ...loaded, source: changed };
    },
  });
}
