/** Automations over a memory store, a clock that the test moves, and sessions that only remember what they were told. */
import {
  type AutomationCreate,
  type AutomationUpdate,
  type InvocationResource,
  parseAutomationCreate,
  parseAutomationUpdate,
  perdureError,
} from '@perdure/protocol';
import { homeTag, makeIds, type HomeId, type TenantId } from '../../kernel/ids.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import type { Caller } from '../caller.ts';
import type { Resources } from '../resources.ts';
import { type AutomationDesk, makeAutomationDesk, type PageQuery } from './desk.ts';
import { invocationResource } from './records.ts';
import type { AutomationDeps, AutomationRules, AutomationSessions } from './ports.ts';
import { type AutomationRunner, makeAutomationRunner } from './runner.ts';
import { makeTargetSeal } from './target-seal.ts';

export const START: number = Date.parse('2026-11-22T10:00:00Z');
export const CALLER: Caller = {
  tenant: 'acme' as TenantId,
  principal: 'key_1',
  product: 'api',
  channel: 'direct',
  segment: 'commercial',
  scopes: ['inference', 'read'],
};
export const RULES: AutomationRules = {
  missed: 'run_once',
  graceMs: 300_000,
  perTenant: 10,
  kept: 1_000,
  tryMs: 3_600_000,
  keyMs: 24 * 3_600_000,
};

/** Started and told sessions, by the keys under which they were: as durable as the store that is given. */
export class TestSessions implements AutomationSessions {
  readonly sessions: Set<string> = new Set(['sess_there']);
  readonly started: Map<string, { readonly id: string; readonly body: unknown; readonly principal: string }> =
    new Map();
  readonly told: Map<string, { readonly session: string; readonly text: string }> = new Map();
  /** What the next calls do instead. */
  readonly faults: (Error | 'busy' | 'after')[] = [];
  calls = 0;
  /** Times that a message came under a key that was known. */
  again = 0;

  async check(_caller: Caller, body: object): Promise<void> {
    if ('agent_id' in body && body.agent_id === 'agent_none') throw perdureError('not_found');
  }

  async start(caller: Caller, body: unknown, key: string): Promise<{ readonly id: string }> {
    this.calls += 1;
    const fault = this.faults.shift();
    if (fault instanceof Error) throw fault;
    const made = this.started.get(key) ?? { id: `sess_${this.started.size + 1}`, body, principal: caller.principal };
    this.started.set(key, made);
    this.sessions.add(made.id);
    // It was done, and whoever asked is not told.
    if (fault === 'after') throw perdureError('store_unavailable');
    return { id: made.id };
  }

  async state(_caller: Caller, session: string): Promise<'ready' | 'busy' | 'gone'> {
    if (!this.sessions.has(session)) return 'gone';
    if (this.faults[0] !== 'busy') return 'ready';
    this.faults.shift();
    return 'busy';
  }

  async send(_caller: Caller, session: string, text: string, key: string): Promise<'sent' | 'gone'> {
    this.calls += 1;
    const fault = this.faults.shift();
    if (fault instanceof Error) throw fault;
    if (!this.sessions.has(session)) return 'gone';
    if (this.told.has(key)) this.again += 1;
    this.told.set(key, { session, text });
    if (fault === 'after') throw perdureError('store_unavailable');
    return 'sent';
  }
}

export interface TestWorld {
  readonly deps: AutomationDeps;
  readonly sessions: TestSessions;
  readonly store: Resources;
  readonly desk: AutomationDesk;
  readonly runner: AutomationRunner;
  readonly reported: readonly unknown[];
  readonly revoked: Set<string>;
  now: number;
  /** Puts the clock to so many ms later, and looks. */
  pass(ms: number): Promise<void>;
}

export async function openWorld(rules: Partial<AutomationRules> = {}): Promise<TestWorld> {
  const world = { now: START };
  const clock = { now: () => world.now, monotonic: () => world.now };
  const store = openMemoryHome({ home: 'local' as HomeId, clock });
  const reported: unknown[] = [];
  const revoked = new Set<string>();
  const sessions = new TestSessions();
  let drawn = 0;
  const deps: AutomationDeps = {
    store,
    home: homeTag('local'),
    clock,
    ids: makeIds(clock, into => into.map(() => (drawn = (drawn * 31 + 7) & 255))),
    sessions,
    callerOf: (tenant, principal) =>
      tenant === CALLER.tenant && !revoked.has(principal) ? { ...CALLER, principal } : null,
    seal: makeTargetSeal(new Uint8Array(32).fill(7)),
    rules: { ...RULES, ...rules },
    report: (_what, error) => reported.push(error),
  };
  const runner = makeAutomationRunner(deps);
  return Object.assign(world, {
    deps,
    sessions,
    store,
    desk: makeAutomationDesk(deps, runner.nudge),
    runner,
    reported,
    revoked,
    async pass(ms: number) {
      world.now += ms;
      await runner.look();
    },
  });
}

export function wanted(over: object = {}): AutomationCreate {
  const body = {
    type: 'periodic',
    name: 'daily',
    expression: '0 9 * * *',
    timezone: 'UTC',
    target: { type: 'existing_session', session_id: 'sess_there', instructions: 'Look at the mail.' },
    ...over,
  };
  const parsed = parseAutomationCreate(body);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

export function change(body: object): AutomationUpdate {
  const parsed = parseAutomationUpdate(body);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

export const NEW_SESSION = {
  type: 'new_session',
  agent: {
    model: 'm',
    tools: [
      {
        type: 'mcp',
        server_label: 'x',
        transport: { type: 'http', server_url: 'https://x.example', authorization: 'Bearer hush' },
      },
    ],
  },
  environment: { type: 'openai_hosted', env: { TOKEN: 'hush' }, setup_commands: [{ command: 'hush' }] },
  input: [{ role: 'user', content: [{ type: 'input_text', text: 'Go.' }] }],
} as const;

export const ALL: PageQuery = { order: 'asc', limit: 100, after: null };
export const runs = async (world: TestWorld, id: string): Promise<readonly InvocationResource[]> =>
  (await world.desk.invocations(CALLER, id, ALL)).entries.map(invocationResource);
/** Status, time of the schedule and reason of each run, oldest first. */
export const brief = async (world: TestWorld, id: string): Promise<readonly string[]> =>
  (await runs(world, id)).map(({ status, scheduled_at: at, skip_reason, error }) =>
    [status, at === null ? 'manual' : new Date(at * 1000).toISOString().slice(5, 16), skip_reason ?? error?.code]
      .filter(Boolean)
      .join(' '),
  );
/** The code and parameter of what it fails with. */
export const failing = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    const { code, param } = error as { code: string; param: string | null };
    return param === null ? code : `${code} ${param}`;
  }
};
