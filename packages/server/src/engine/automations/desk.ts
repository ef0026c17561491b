/** Automations, as those who have them make, read and change them. Every row is looked for as the caller's tenant's (L10). */
import {
  type AutomationCreate,
  type AutomationCreatedBy,
  type AutomationTargetInput,
  type AutomationUpdate,
  type JsonObject,
  perdureError,
} from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { ResourceChange } from '../resources.ts';
import { claimManual } from './claim.ts';
import type { AutomationDeps } from './ports.ts';
import {
  type Automation,
  automationOf,
  automationRow,
  type Invocation,
  invocationOf,
  invocationRow,
} from './records.ts';
import { checkSchedule, nextAfter, type Schedule } from './schedule.ts';

/** Rows of one read while a list is filtered. */
const PAGE = 100;
/** Times that a change is tried against others who make one. */
const ATTEMPTS = 5;

export interface PageQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after: string | null;
}
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly hasMore: boolean;
}

export interface AutomationDesk {
  /** @throws invalid_request, automation_limit_reached, and what starting such a session would be refused for */
  create(caller: Caller, wanted: AutomationCreate, by?: AutomationCreatedBy): Promise<Automation>;
  /** @throws automation_not_found, as all below */
  read(caller: Caller, id: string): Promise<Automation>;
  /** `session`: those that tell it. */
  list(caller: Caller, query: PageQuery, session: string | null): Promise<Page<Automation>>;
  /** @throws invalid_request */
  update(caller: Caller, id: string, wanted: AutomationUpdate): Promise<Automation>;
  delete(caller: Caller, id: string): Promise<void>;
  pause(caller: Caller, id: string): Promise<Automation>;
  /** @throws invalid_request if it would never run */
  resume(caller: Caller, id: string): Promise<Automation>;
  /** Queues a run now, whatever the schedule and though it is paused. */
  invoke(caller: Caller, id: string): Promise<Invocation>;
  /** @throws invocation_not_found */
  invocation(caller: Caller, id: string, invocation: string): Promise<Invocation>;
  invocations(caller: Caller, id: string, query: PageQuery): Promise<Page<Invocation>>;
}

/** @param nudge tells the runner when there is something to do */
export function makeAutomationDesk(deps: AutomationDeps, nudge: (at: number) => void): AutomationDesk {
  const { store, clock, ids, home, sessions, rules } = deps;

  async function find(tenant: TenantId, id: string): Promise<Automation | null> {
    const row = await store.resource('automation', tenant, id);
    const automation = row === null ? null : automationOf(row);
    return automation?.status === 'deleted' ? null : automation;
  }

  async function must(tenant: TenantId, id: string): Promise<Automation> {
    const found = await find(tenant, id);
    if (found === null) throw perdureError('automation_not_found');
    return found;
  }

  /** @param make the automation after the change, and what goes with it; null if nothing is to be done */
  async function change(
    caller: Caller,
    id: string,
    make: (now: Automation) => Promise<readonly [Automation, ...ResourceChange[]] | null>,
  ): Promise<Automation> {
    for (let left = ATTEMPTS; left > 0; left--) {
      const before = await must(caller.tenant, id);
      const made = await make(before);
      if (made === null) return before;
      const [after, ...others] = made;
      const next = { ...after, version: before.version + 1 };
      if (await store.changeResources([{ op: 'put', row: automationRow(next) }, ...others], null)) {
        const wakeAt = automationRow(next).wakeAt;
        if (wakeAt !== null) nudge(wakeAt);
        return next;
      }
    }
    throw perdureError('record_changed');
  }

  async function checkTarget(caller: Caller, { shown, given }: AutomationTargetInput): Promise<void> {
    if (shown.type === 'new_session') return sessions.check(caller, sessionBody(given));
    if ((await sessions.state(caller, shown.session_id)) !== 'gone') return;
    throw perdureError('invalid_request', 'The session of the target does not exist.', { param: 'target.session_id' });
  }

  /** The invocation that waits to be delivered, if one does. */
  async function pending({ tenant, last }: Automation): Promise<Invocation | null> {
    const row = last === null ? null : await store.resource('invocation', tenant, last);
    const invocation = row === null ? null : invocationOf(row);
    return invocation?.status === 'queued' ? invocation : null;
  }

  return {
    async create(caller, wanted, by = { type: 'developer' }) {
      const { tenant, principal } = caller;
      const now = clock.now();
      const schedule = scheduleOf(wanted.schedule);
      checkSchedule(schedule, now);
      await checkTarget(caller, wanted.target);
      if ((await store.countResources({ kind: 'automation', tenant })) >= rules.perTenant)
        throw perdureError('automation_limit_reached', `A tenant has ${rules.perTenant} automations at most.`);
      const id = ids.next('auto', home);
      const automation: Automation = {
        id,
        tenant,
        version: 1,
        createdAt: now,
        name: wanted.name,
        metadata: wanted.metadata,
        schedule,
        status: 'active',
        target: wanted.target.shown,
        sealed: deps.seal.seal(tenant, id, wanted.target.given),
        createdBy: by,
        principal,
        nextAt: nextAfter(schedule, now),
        last: null,
        problem: null,
      };
      await store.changeResources([{ op: 'put', row: automationRow(automation) }], null);
      nudge(automation.nextAt ?? now);
      return automation;
    },

    read: (caller, id) => must(caller.tenant, id),

    async list(caller, { order, limit, after }, session) {
      const wanted = (one: Automation): boolean =>
        one.status !== 'deleted' &&
        (session === null || (one.target.type === 'existing_session' && one.target.session_id === session));
      const found: Automation[] = [];
      for (let from = after; found.length <= limit; ) {
        const query = { kind: 'automation', tenant: caller.tenant, order, limit: PAGE, after: from } as const;
        const rows = await store.resources(query);
        found.push(...rows.map(automationOf).filter(wanted));
        from = rows.at(-1)?.id ?? null;
        if (rows.length < PAGE) break;
      }
      return { entries: found.slice(0, limit), hasMore: found.length > limit };
    },

    update: (caller, id, wanted) =>
      change(caller, id, async before => {
        const now = clock.now();
        const schedule = changedSchedule(before, wanted);
        if (schedule !== before.schedule) checkSchedule(schedule, now);
        if (wanted.target !== undefined) {
          checkReplaced(before, wanted.target);
          await checkTarget(caller, wanted.target);
        }
        return [
          {
            ...before,
            schedule,
            nextAt: schedule === before.schedule ? before.nextAt : nextAfter(schedule, now),
            ...(wanted.name !== undefined && { name: wanted.name }),
            ...(wanted.metadata !== undefined && { metadata: wanted.metadata }),
            ...(wanted.target !== undefined && {
              target: wanted.target.shown,
              sealed: deps.seal.seal(before.tenant, id, wanted.target.given),
            }),
          },
        ];
      }),

    async delete(caller, id) {
      const now = clock.now();
      // What it held goes at once; its invocations go after it, a few at a time.
      const target = { type: 'existing_session', instructions: '', session_id: '' } as const;
      await change(caller, id, async before => [
        { ...before, status: 'deleted', nextAt: now, name: '', metadata: {}, target, sealed: '' },
      ]);
    },

    pause: (caller, id) =>
      change(caller, id, async before =>
        before.status === 'active' ? [{ ...before, status: 'paused', problem: null }] : null,
      ),

    resume: (caller, id) =>
      change(caller, id, async before => {
        if (before.status === 'active') return null;
        const now = clock.now();
        const waits = await pending(before);
        const nextAt = nextAfter(before.schedule, now);
        const once = before.schedule.type === 'once';
        // A single run that has its invocation has no other.
        const claimed = once && before.nextAt === null;
        const delivers = claimed && waits !== null && waits.scheduledAt !== null;
        if (once && !delivers && (claimed || nextAt === null))
          throw perdureError(
            'invalid_request',
            "Its one run is over, or its time has passed: it needs a 'run_at' in the future.",
            {
              param: 'run_at',
            },
          );
        // Whoever sets it going again answers for it, if who made it no longer can.
        const orphaned = deps.callerOf(before.tenant, before.principal) === null;
        const principal = orphaned ? caller.principal : before.principal;
        const after: Automation = {
          ...before,
          status: 'active',
          nextAt: claimed ? null : nextAt,
          principal,
          problem: null,
        };
        if (waits === null || waits.tryAt !== null) return [after];
        nudge(now);
        return [after, { op: 'put', row: invocationRow({ ...waits, version: waits.version + 1, tryAt: now }) }];
      }),

    async invoke(caller, id) {
      const invocation = ids.next('inv', home);
      const now = clock.now();
      let made: Invocation | null = null;
      await change(caller, id, async before => {
        const waits = await pending(before);
        const claim = claimManual(before, waits !== null, now, invocation);
        made = claim.invocation;
        return [claim.automation, { op: 'put', row: invocationRow(claim.invocation) }];
      });
      nudge(now);
      // `change` has made one, or thrown.
      return made ?? Promise.reject(perdureError('record_changed'));
    },

    async invocation(caller, id, wanted) {
      await must(caller.tenant, id);
      const row = await store.resource('invocation', caller.tenant, wanted);
      if (row === null || row.parent !== id) throw perdureError('invocation_not_found');
      return invocationOf(row);
    },

    async invocations(caller, id, { order, limit, after }) {
      await must(caller.tenant, id);
      const query = { kind: 'invocation', tenant: caller.tenant, parent: id, order, after } as const;
      const rows = await store.resources({ ...query, limit: limit + 1 });
      return { entries: rows.slice(0, limit).map(invocationOf), hasMore: rows.length > limit };
    },
  };
}

/** The body of the request for a session that a target stands for. */
function sessionBody({ type: _type, ...body }: JsonObject): JsonObject {
  return body;
}

function scheduleOf(given: AutomationCreate['schedule']): Schedule {
  return given.type === 'once' ? { type: 'once', runAt: given.run_at * 1000 } : given;
}

/** @throws invalid_request for a field that the other kind of schedule has */
function changedSchedule({ schedule, nextAt }: Automation, wanted: AutomationUpdate): Schedule {
  const { expression, timezone, run_at } = wanted;
  const refuse = (param: string, why: string): Error => perdureError('invalid_request', why, { param });
  if (schedule.type === 'once') {
    for (const param of ['expression', 'timezone'] as const)
      if (wanted[param] !== undefined) throw refuse(param, `An automation that runs once has no '${param}'.`);
    if (run_at === undefined) return schedule;
    if (nextAt === null) throw refuse('run_at', "'run_at' cannot be changed once its run has begun.");
    return { type: 'once', runAt: run_at * 1000 };
  }
  if (run_at !== undefined) throw refuse('run_at', "An automation that runs again and again has no 'run_at'.");
  if (expression === undefined && timezone === undefined) return schedule;
  return {
    type: 'periodic',
    expression: expression ?? schedule.expression,
    timezone: timezone ?? schedule.timezone,
  };
}

/** @throws invalid_request */
function checkReplaced({ target, createdBy }: Automation, { shown }: AutomationTargetInput): void {
  if (shown.type !== target.type)
    throw perdureError('invalid_request', 'The target of an automation keeps its type.', { param: 'target.type' });
  if (createdBy.type === 'agent' && shown.type === 'existing_session' && shown.session_id !== createdBy.session_id)
    throw perdureError('invalid_request', 'An automation that an agent made tells the session of that agent only.', {
      param: 'target.session_id',
    });
}
