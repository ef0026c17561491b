/**
 * One life of a process that has automations: it makes one if there is none, looks once at the time that it is told, and ends. Sessions
 * are lines of a file, one for each key, as durable as the store.
 *
 * Arguments: the data folder, and the time in ms since 1970.
 */
import { parseAutomationCreate } from '@perdure/protocol';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeAutomationDesk } from '../../packages/server/src/engine/automations/desk.ts';
import type { AutomationDeps } from '../../packages/server/src/engine/automations/ports.ts';
import { makeAutomationRunner } from '../../packages/server/src/engine/automations/runner.ts';
import { makeTargetSeal } from '../../packages/server/src/engine/automations/target-seal.ts';
import type { Caller } from '../../packages/server/src/engine/caller.ts';
import { type HomeId, homeTag, makeIds, type TenantId } from '../../packages/server/src/kernel/ids.ts';
import { openSqliteHome } from '../../packages/server/src/store/sqlite/open-sqlite-home.ts';

const [dir = '', time = '0'] = process.argv.slice(2);
const now = Number(time);
const clock = { now: () => now, monotonic: () => performance.now() };
const caller: Caller = {
  tenant: 'acme' as TenantId,
  principal: 'key_1',
  product: 'api',
  channel: 'direct',
  segment: 'commercial',
  scopes: ['inference'],
};

const file = join(dir, 'sessions.txt');
const sessions = (): readonly string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
function note(key: string): string {
  const known = sessions();
  if (!known.includes(key)) {
    const handle = openSync(file, 'a');
    writeSync(handle, `${key}\n`);
    fsyncSync(handle);
    closeSync(handle);
  }
  return `sess_${key}`;
}

const store = await openSqliteHome({ dir, home: 'local' as HomeId, clock, exclusive: true });
const deps: AutomationDeps = {
  store,
  home: homeTag('local'),
  clock,
  ids: makeIds(clock, into => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>)),
  sessions: {
    check: async () => undefined,
    start: async (_caller, _body, key) => ({ id: note(key) }),
    send: async (_caller, _session, _text, key) => {
      note(key);
      return 'sent';
    },
    state: async () => 'ready',
  },
  callerOf: () => caller,
  seal: makeTargetSeal(new Uint8Array(32).fill(1)),
  rules: { missed: 'run_once', graceMs: 300_000, perTenant: 10, kept: 100, tryMs: 3_600_000, keyMs: 86_400_000 },
  report: (what, error) => process.stderr.write(`${what}: ${String(error)}\n`),
};
const runner = makeAutomationRunner(deps);
const desk = makeAutomationDesk(deps, runner.nudge);
const page = { order: 'asc', limit: 100, after: null } as const;
if ((await desk.list(caller, page, null)).entries.length === 0) {
  const schedule = { type: 'periodic', expression: '* * * * *', timezone: 'Europe/Berlin' };
  const input = [{ role: 'user', content: [{ type: 'input_text', text: 'Go.' }] }];
  const target = { type: 'new_session', agent: { model: 'm' }, environment: { type: 'none' }, input };
  const wanted = parseAutomationCreate({ ...schedule, name: 'n', target });
  if (!wanted.ok) throw wanted.error;
  await desk.create(caller, wanted.value);
}
await runner.look();
const [automation] = (await desk.list(caller, page, null)).entries;
const runs = automation === undefined ? [] : (await desk.invocations(caller, automation.id, page)).entries;
process.stdout.write(
  JSON.stringify({
    status: automation?.status,
    runs: runs.map(({ id, status, session, scheduledAt }) => ({ id, status, session, scheduledAt })),
    sessions: sessions(),
  }),
);
await store.close();
