/**
 * Preloaded into servers: nothing keeps two of them from writing one session (L3 broken): no lock on the folder, no look at seq and epoch, no unique
 * place of an event. The harness must notice.
 */
import { registerHooks } from 'node:module';

/** File -> what its text becomes. */
const CHANGES: readonly (readonly [file: string, change: (source: string) => string])[] = [
  // The writer's thread takes nothing over from this one by itself.
  [
    '/store/sqlite/worker-link.ts',
    source => source.replace('execArgv: [', `execArgv: ['--import', ${JSON.stringify(import.meta.url)}, `),
  ],
  ['/store/fence.ts', () => "export function fence() { return 'passed'; }"],
  ['/store/sqlite/data-lock.ts', () => 'export function acquireDataLock() { return { release() {} }; }'],
  [
    '/store/sqlite/schema.ts',
    source => source.replace('CREATE UNIQUE INDEX events_place', 'CREATE INDEX events_place'),
  ],
];

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const change = CHANGES.find(([file]) => url.endsWith(file))?.[1];
    if (change === undefined || loaded.source == null) return loaded;
    const source =
      typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
    const changed = change(source);
    if (changed === source) throw new Error(`${url} is not what the planted defect changes`);
    return { ...loaded, source: changed };
  },
});
