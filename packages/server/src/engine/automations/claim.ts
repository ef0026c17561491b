/**
 * What a moment of a schedule becomes once it has come: an invocation, and the automation with its next moment. Pure.
 *
 * Of all moments that have passed since the last claim the newest gets the invocation, and stands for the others: a server that was away
 * does not run a schedule's whole past.
 */
import { type Automation, automationResource, type Invocation, scheduledInvocationId } from './records.ts';
import type { AutomationRules } from './ports.ts';
import { lastDue, nextAfter } from './schedule.ts';

export interface Claim {
  readonly automation: Automation;
  readonly invocation: Invocation;
}

/**
 * @param pending whether its invocation before has not been delivered yet
 * @returns null if nothing of it is due
 */
export function claimDue(
  automation: Automation,
  pending: boolean,
  now: number,
  rules: Pick<AutomationRules, 'missed' | 'graceMs'>,
): Claim | null {
  const { nextAt, schedule, status } = automation;
  if (status !== 'active' || nextAt === null || nextAt > now) return null;
  const at = lastDue(schedule, nextAt, now);
  const next = schedule.type === 'once' ? null : nextAfter(schedule, at);
  const missed = rules.missed === 'skip' && now - at > rules.graceMs;
  // A single run is not skipped for another that somebody asked for: it has no second time.
  const skipped = pending && schedule.type === 'periodic';
  const queued = !skipped && !missed;
  const id = scheduledInvocationId(automation.id, at);
  return {
    automation: {
      ...automation,
      version: automation.version + 1,
      nextAt: next,
      last: queued ? id : automation.last,
      // A single run that is not delivered has no second chance; one that is, completes it then.
      status: schedule.type === 'once' && !queued ? 'completed' : status,
    },
    invocation: {
      id,
      tenant: automation.tenant,
      automation: automation.id,
      version: 1,
      createdAt: now,
      scheduledAt: at,
      from: at > nextAt ? nextAt : null,
      status: queued ? 'queued' : 'skipped',
      skipReason: skipped ? 'pending_delivery' : null,
      error:
        !skipped && missed
          ? { code: 'missed_run', message: 'Nobody was there to start this run when it was due.' }
          : null,
      session: sessionOf(automation),
      source: { type: 'automation', automation: automationResource(automation) },
      delivery: queued ? deliveryOf(automation, now) : null,
      tryAt: queued ? now : null,
    },
  };
}

/** A run that somebody asked for. While another waits to be delivered it is skipped as one of the schedule would be. */
export function claimManual(automation: Automation, pending: boolean, now: number, id: string): Claim {
  return {
    automation: { ...automation, version: automation.version + 1, last: pending ? automation.last : id },
    invocation: {
      id,
      tenant: automation.tenant,
      automation: automation.id,
      version: 1,
      createdAt: now,
      scheduledAt: null,
      from: null,
      status: pending ? 'skipped' : 'queued',
      skipReason: pending ? 'pending_delivery' : null,
      error: null,
      session: sessionOf(automation),
      source: { type: 'manual' },
      delivery: pending ? null : deliveryOf(automation, now),
      tryAt: pending ? null : now,
    },
  };
}

function sessionOf({ target }: Automation): string | null {
  return target.type === 'existing_session' ? target.session_id : null;
}

function deliveryOf({ principal, target, sealed }: Automation, now: number): Invocation['delivery'] {
  return { principal, type: target.type, sealed, attempts: 0, since: now, triedAt: null };
}
