/**
 * Delivery of one invocation: a session is started, or told.
 *
 * D1  It is done under a key, the invocation's id: whoever does it again after a crash starts and says nothing twice.
 * D2  How it ended is one commit with what follows for the automation; until then it is tried again.
 * D3  What was perhaps done under a key that is no longer known is not done again: it ends as `outcome_unknown`.
 */
import { type JsonObject, perdureError, type PerdureError, toPerdureError } from '@perdure/protocol';
import { within } from '../deadline.ts';
import type { Caller } from '../caller.ts';
import { killPoint } from '../kill-point.ts';
import type { AutomationDeps } from './ports.ts';
import {
  type Automation,
  automationOf,
  automationRow,
  type Delivery,
  type Invocation,
  invocationOf,
  invocationRow,
  type Problem,
} from './records.ts';

/** For one start or message, ms. */
const DELIVERY_MS = 30_000;
/** Between two attempts, ms: twice as long each time, from the first to the second. */
const RETRY_MS: readonly [least: number, most: number] = [1_000, 60_000];
/** Times that a settlement is tried against others who change the automation. */
const SETTLE_ATTEMPTS = 8;

export type Outcome =
  | { readonly type: 'delivered'; readonly session: string }
  /** `ends`: the automation cannot go on as it is. */
  | { readonly type: 'failed'; readonly error: Problem; readonly ends: boolean }
  /** `known`: it is certain that nothing was delivered. */
  | {
      readonly type: 'later';
      readonly known: boolean;
      readonly afterMs: number | null;
      readonly error: Problem | null;
    };

/** Nothing is done for an invocation that is settled, or that the paused automation holds. */
export async function deliver(deps: AutomationDeps, row: Invocation): Promise<void> {
  const automation = await readAutomation(deps, row);
  const invocation = await readInvocation(deps, row);
  if (automation === null || invocation === null || invocation.delivery === null || invocation.tryAt === null) return;
  if (automation.status === 'paused' && invocation.scheduledAt !== null) return hold(deps, invocation);
  const ready = await prepare(deps, invocation, invocation.delivery);
  if ('type' in ready) return settle(deps, invocation, ready);
  const tried = await trying(deps, invocation, invocation.delivery);
  if (tried === null) return;
  const outcome = await attempt(deps, tried, ready);
  killPoint('automation.before-settle');
  await settle(deps, tried, outcome);
}

async function readAutomation(
  deps: AutomationDeps,
  { tenant, automation: id }: Invocation,
): Promise<Automation | null> {
  const row = await deps.store.resource('automation', tenant, id);
  const automation = row === null ? null : automationOf(row);
  return automation?.status === 'deleted' ? null : automation;
}

async function readInvocation(deps: AutomationDeps, { tenant, id }: Invocation): Promise<Invocation | null> {
  const row = await deps.store.resource('invocation', tenant, id);
  return row === null ? null : invocationOf(row);
}

/** Until the automation is resumed. If somebody changed it meanwhile, the next look sees how. */
async function hold(deps: AutomationDeps, invocation: Invocation): Promise<void> {
  const held = { ...invocation, version: invocation.version + 1, tryAt: null };
  await deps.store.changeResources([{ op: 'put', row: invocationRow(held) }], null);
}

interface Ready {
  readonly caller: Caller;
  readonly target: JsonObject;
}

const late = (): PerdureError => perdureError('deadline_exceeded');

/** What is needed to deliver it, or why it is not delivered now. */
async function prepare(
  { callerOf, clock, rules, seal, sessions }: AutomationDeps,
  { tenant, automation }: Invocation,
  { principal, sealed, triedAt, type, since }: Delivery,
): Promise<Ready | Outcome> {
  const caller = callerOf(tenant, principal);
  if (caller === null)
    return failed('principal_revoked', 'The key in whose name the automation runs has been revoked.', true);
  const target = seal.open(tenant, automation, sealed);
  if (target === null)
    return failed(
      'target_unreadable',
      'The target of the automation cannot be read with the key of this server.',
      true,
    );
  if (triedAt !== null && clock.now() - triedAt > rules.keyMs)
    return failed(
      'outcome_unknown',
      'The server was away for longer than it knows what it has delivered: the run may have been delivered or not.',
      false,
    );
  // What may have been delivered is delivered again under its key, which finds out.
  if (type === 'new_session' || triedAt !== null) return { caller, target };
  try {
    const state = await within(DELIVERY_MS, sessions.state(caller, told(target).session), late);
    if (state === 'gone') return gone();
    return state === 'ready' ? { caller, target } : { type: 'later', known: true, afterMs: null, error: null };
  } catch (thrown) {
    return outcomeOf(rules, toPerdureError(thrown), clock.now() - since);
  }
}

/** Keeps that from now on it may have been delivered. Null if somebody changed it meanwhile: the next look sees how. */
async function trying(deps: AutomationDeps, invocation: Invocation, delivery: Delivery): Promise<Invocation | null> {
  if (delivery.triedAt !== null) return invocation;
  const version = invocation.version + 1;
  const tried = { ...invocation, version, delivery: { ...delivery, triedAt: deps.clock.now() } };
  return (await deps.store.changeResources([{ op: 'put', row: invocationRow(tried) }], null)) ? tried : null;
}

async function attempt(
  { sessions, clock, rules }: AutomationDeps,
  { id: key, delivery }: Invocation,
  { caller, target }: Ready,
): Promise<Outcome> {
  try {
    if (delivery?.type === 'new_session') {
      const { type: _type, ...body } = target;
      const { id } = await within(DELIVERY_MS, sessions.start(caller, body, key), late);
      killPoint('automation.after-start');
      return { type: 'delivered', session: id };
    }
    const { session, text } = told(target);
    const said = await within(DELIVERY_MS, sessions.send(caller, session, text, key), late);
    killPoint('automation.after-start');
    return said === 'sent' ? { type: 'delivered', session } : gone();
  } catch (thrown) {
    return outcomeOf(rules, toPerdureError(thrown), clock.now() - (delivery?.since ?? 0));
  }
}

function gone(): Outcome {
  return failed('session_not_found', 'The session that the automation tells does not exist any more.', true);
}

function told(target: JsonObject): { readonly session: string; readonly text: string } {
  const { session_id: session, instructions: text } = target;
  // It was checked before it was sealed.
  return { session: session as string, text: text as string };
}

function outcomeOf(rules: AutomationDeps['rules'], error: PerdureError, triedMs: number): Outcome {
  const problem = { code: error.code, message: error.message };
  const passes = error.next === 'retry' || error.next === 'retry-after';
  if (!passes || triedMs >= rules.tryMs) return { type: 'failed', error: problem, ends: false };
  return { type: 'later', known: error.status === 429, afterMs: error.retryAfterMs ?? null, error: problem };
}

function failed(code: string, text: string, ends: boolean): Outcome {
  return { type: 'failed', error: { code, message: text }, ends };
}

async function settle(deps: AutomationDeps, first: Invocation, outcome: Outcome): Promise<void> {
  for (let left = SETTLE_ATTEMPTS; left > 0; left--) {
    const invocation = left === SETTLE_ATTEMPTS ? first : await readInvocation(deps, first);
    // Somebody removed or settled it: there is nothing to say of it any more.
    if (invocation === null || invocation.delivery === null) return;
    const automation = await readAutomation(deps, invocation);
    const now = deps.clock.now();
    const after = settled(invocation, outcome, now);
    const parent = automation === null ? null : follow(automation, invocation, outcome);
    const changes = [
      { op: 'put', row: invocationRow(after) } as const,
      ...(parent === null ? [] : [{ op: 'put', row: automationRow(parent) } as const]),
    ];
    if (await deps.store.changeResources(changes, null)) return;
  }
  deps.report('automations', perdureError('record_changed'));
}

/** The invocation after an attempt. */
export function settled(invocation: Invocation, outcome: Outcome, now: number): Invocation {
  const next = { ...invocation, version: invocation.version + 1 };
  const { delivery } = invocation;
  if (outcome.type === 'later' && delivery !== null) {
    const [least, most] = RETRY_MS;
    const pause = Math.max(Math.min(most, least * 2 ** Math.min(delivery.attempts, 16)), outcome.afterMs ?? 0);
    return {
      ...next,
      tryAt: now + pause,
      delivery: {
        ...delivery,
        attempts: delivery.attempts + 1,
        since: outcome.known ? now : delivery.since,
        triedAt: outcome.known ? null : delivery.triedAt,
      },
    };
  }
  const over = { ...next, delivery: null, tryAt: null };
  if (outcome.type === 'delivered') return { ...over, status: 'completed', session: outcome.session };
  return { ...over, status: 'failed', error: outcome.type === 'failed' ? outcome.error : null };
}

/** What follows for the automation; null if nothing does. */
export function follow(automation: Automation, invocation: Invocation, outcome: Outcome): Automation | null {
  if (outcome.type === 'later') return null;
  const next = { ...automation, version: automation.version + 1 };
  const problem = outcome.type === 'failed' ? outcome.error : null;
  const over = automation.schedule.type === 'once' && automation.nextAt === null && invocation.scheduledAt !== null;
  if (over && automation.status !== 'completed') return { ...next, status: 'completed', problem };
  if (outcome.type === 'failed' && outcome.ends && automation.status === 'active')
    return { ...next, status: 'paused', problem };
  return null;
}
