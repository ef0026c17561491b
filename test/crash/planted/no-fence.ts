/**
 * Preloaded into servers: nothing keeps two of them from writing one session (L3 broken): no lock on the folder, no look at seq and epoch, no unique
 * place of an event. The harness must notice.
 */
import { changeSources, type SourceChange } from './change-source.ts';

/** File -> what its text becomes. */
const CHANGES: readonly SourceChange[] = [
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

changeSources(CHANGES);
