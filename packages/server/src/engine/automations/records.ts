/** Automations and invocations as rows of the control home, and as the wire shows them. */
import type {
  AutomationCreatedBy,
  AutomationResource,
  AutomationTarget,
  InvocationResource,
  InvocationStatus,
} from '@perdure/protocol';
import { createHash } from 'node:crypto';
import { base32, ID_BODY_CHARS, idBody, type TenantId } from '../../kernel/ids.ts';
import type { ResourceRow } from '../resources.ts';
import type { Schedule } from './schedule.ts';

/** Moments are ms since 1970. */
export interface Automation {
  readonly id: string;
  readonly tenant: TenantId;
  readonly version: number;
  readonly createdAt: number;
  readonly name: string;
  readonly metadata: { readonly [key: string]: string };
  readonly schedule: Schedule;
  /** `deleted`: it looks like none; its invocations are being removed. */
  readonly status: 'active' | 'paused' | 'completed' | 'deleted';
  readonly target: AutomationTarget;
  /** The target as it was given (`TargetSeal`). */
  readonly sealed: string;
  readonly createdBy: AutomationCreatedBy;
  /** In whose name it runs. */
  readonly principal: string;
  /** When it comes due next; null if the schedule has ended. While it is paused it counts for nothing. */
  readonly nextAt: number | null;
  /** The newest invocation that was to be delivered. */
  readonly last: string | null;
  /** Why it paused itself. */
  readonly problem: Problem | null;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
}

/** What is left to be delivered. */
export interface Delivery {
  readonly principal: string;
  readonly type: AutomationTarget['type'];
  readonly sealed: string;
  /** Attempts that were answered. */
  readonly attempts: number;
  /** Since when nothing but failures came. */
  readonly since: number;
  /** Since when it is not known whether it was delivered; null: it was not. It is kept before an attempt. */
  readonly triedAt: number | null;
}

export interface Invocation {
  readonly id: string;
  readonly tenant: TenantId;
  readonly automation: string;
  readonly version: number;
  readonly createdAt: number;
  /** Null: somebody asked for the run. */
  readonly scheduledAt: number | null;
  /** The first moment that it stands for: those from here to `scheduledAt` that passed while nobody was there have no run of their own. */
  readonly from: number | null;
  readonly status: InvocationStatus;
  readonly skipReason: 'pending_delivery' | null;
  readonly error: Problem | null;
  readonly session: string | null;
  readonly source: InvocationResource['source'];
  readonly delivery: Delivery | null;
  /** When delivery is tried next; null if it is settled, or held because the automation is paused. */
  readonly tryAt: number | null;
}

export function automationRow(automation: Automation): ResourceRow {
  const { id, tenant, version, createdAt, ...body } = automation;
  const wakes = automation.status === 'active' || automation.status === 'deleted';
  const wakeAt = wakes ? automation.nextAt : null;
  return { kind: 'automation', tenant, id, parent: null, version, createdAt, wakeAt, body: JSON.stringify(body) };
}

export function automationOf({ id, tenant, version, createdAt, body }: ResourceRow): Automation {
  // Written by `automationRow`.
  return { ...(JSON.parse(body) as Omit<Automation, 'id' | 'tenant'>), id, tenant, version, createdAt };
}

export function invocationRow(invocation: Invocation): ResourceRow {
  const { id, tenant, version, createdAt, automation: parent, tryAt: wakeAt, ...body } = invocation;
  return { kind: 'invocation', tenant, id, parent, version, createdAt, wakeAt, body: JSON.stringify(body) };
}

export function invocationOf({ id, tenant, version, createdAt, parent, wakeAt, body }: ResourceRow): Invocation {
  // Written by `invocationRow`.
  const rest = JSON.parse(body) as Omit<Invocation, 'id' | 'tenant' | 'automation' | 'tryAt'>;
  return { ...rest, id, tenant, version, createdAt, automation: parent ?? '', tryAt: wakeAt };
}

/** Derived, so that one moment of a schedule cannot have two. It sorts by the moment. */
export function scheduledInvocationId(automation: string, scheduledAt: number): string {
  const digest = createHash('sha256').update(`${automation} ${scheduledAt}`).digest();
  const own = idBody(automation, 'auto') ?? '';
  const time = base32(scheduledAt, 10);
  const home = own.slice(time.length, time.length + 4);
  const rest = ID_BODY_CHARS - time.length - home.length;
  return `inv_${time}${home}${Array.from(digest.subarray(0, rest), byte => base32(byte & 31, 1)).join('')}`;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

export function automationResource(automation: Automation): AutomationResource {
  const { id, createdAt, createdBy, metadata, name, target, schedule, status } = automation;
  const shared = {
    id,
    object: 'agent.automation',
    created_at: seconds(createdAt),
    created_by: createdBy,
    metadata,
    name,
    target,
  } as const;
  const shown = status === 'deleted' ? 'paused' : status;
  if (schedule.type === 'once') return { ...shared, type: 'once', run_at: seconds(schedule.runAt), status: shown };
  const { type, expression, timezone } = schedule;
  return { ...shared, type, expression, timezone, status: shown === 'active' ? 'active' : 'paused' };
}

export function invocationResource(invocation: Invocation): InvocationResource {
  const { id, automation, createdAt, error, scheduledAt, session, skipReason, source, status } = invocation;
  return {
    id,
    object: 'agent.automation.invocation',
    automation_id: automation,
    created_at: seconds(createdAt),
    error,
    scheduled_at: scheduledAt === null ? null : seconds(scheduledAt),
    session_id: session,
    skip_reason: skipReason,
    source,
    status,
  };
}
