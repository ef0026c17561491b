/**
 * Approvals as rows, so that those of ten thousand sessions are listed at once: `approval` has them all, `approval_waiting` those that wait.
 * No content is in them. The log says what is true; these are made from it (L1), by `engine/feed`.
 */
import type { ApprovalStatus, ApprovalWhy } from '@perdure/protocol';
import { approvalOrder, readAsked } from '../../engine/feed/asked.ts';
import type { FeedConsumer, FedEvent } from '../../engine/feed/follow.ts';
import { whose } from '../../engine/feed/whose.ts';
import { parseApprovalId } from '../../engine/tools/approval-id.ts';
import type { ResourceChange, ResourceRow, Resources } from '../../engine/resources.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { decodeEnvelope } from '../../log/codec.ts';
import { stateIn } from '../../session/project.ts';
import { type ApprovalBinding, bindingDigest } from '../../tool/approval.ts';
import { sha256 } from '../digest.ts';

export interface ApprovalBody {
  readonly approval: string;
  readonly status: ApprovalStatus;
  readonly why: ApprovalWhy;
  /** That people know: of a sub-agent's, the one that owns it. */
  readonly session: string;
  /** The id of the sub-agent that asks. */
  readonly subagent?: string;
  readonly agent: { readonly id: string; readonly version: number } | null;
  readonly callId: string;
  readonly tool: string;
  readonly policy: string;
  readonly binding: string;
  readonly requestedBy: string;
  /** ms since 1970, as all times here. */
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly decidedBy: string | null;
  readonly decidedAt: number | null;
  /** Of the call of the model that decided it. Absent: none was made. */
  readonly placement?: string;
}

export const ALL_PREFIX = 'apl_';
export const WAITING_PREFIX = 'apw_';
/** Open approvals of one turn that are looked at when it ends. */
const OPEN_MOST = 1000;

export function approvalProjection(control: Resources): FeedConsumer {
  return {
    types: [
      'approval.requested',
      'approval.granted',
      'approval.denied',
      'approval.expired',
      'turn.failed',
      'turn.cancelled',
    ],
    reads: ['approval.granted', 'approval.denied', 'approval.expired', 'turn.failed', 'turn.cancelled'],
    async effects(fed) {
      const { event } = fed;
      switch (event.type) {
        case 'approval.requested':
          return requested(control, fed, event.head.approval);
        case 'approval.granted':
        case 'approval.denied':
        case 'approval.expired':
          return decided(control, fed, event.head, event.type.slice('approval.'.length) as ApprovalStatus);
        case 'turn.failed':
        case 'turn.cancelled':
          return fed.kind === 'agent' ? withdrawn(control, fed) : [];
        default:
          return [];
      }
    },
  };
}

async function requested(
  control: Resources,
  { home, event }: FedEvent,
  id: string,
): Promise<readonly ResourceChange[]> {
  const { tenant, session } = event;
  const asked = await readAsked(home, tenant, id);
  if (asked === null) return [];
  const row = await home.session(tenant, session);
  const agent = agentOf(row?.state ?? null, asked.head.agentVersion);
  const { session: known, subagent } = whose(session, row?.state ?? null);
  const { head } = asked;
  const binding: ApprovalBinding = {
    tenant,
    session,
    callId: head.callId,
    tool: asked.tool,
    agent,
    definition: head.definition ?? null,
    arguments: head.arguments,
  };
  const body: ApprovalBody = {
    approval: id,
    status: 'waiting',
    why: head.why ?? 'policy',
    session: known,
    ...(subagent !== null && { subagent }),
    agent,
    callId: head.callId,
    tool: asked.tool,
    policy: head.policy,
    binding: bindingDigest(sha256, binding),
    requestedBy: asked.requestedBy,
    requestedAt: asked.at,
    expiresAt: head.expiresAt,
    decidedBy: null,
    decidedAt: null,
  };
  const order = approvalOrder(id, asked.at);
  // It is there already where the cursor was lost, and the log is followed anew.
  if ((await control.resource('approval', tenant, ALL_PREFIX + order)) !== null) return [];
  const put = (kind: 'approval' | 'approval_waiting', prefix: string): ResourceChange => ({
    op: 'put',
    row: {
      kind,
      tenant,
      id: prefix + order,
      parent: known,
      version: 1,
      createdAt: asked.at,
      wakeAt: null,
      body: JSON.stringify(body),
    },
  });
  return [put('approval', ALL_PREFIX), put('approval_waiting', WAITING_PREFIX)];
}

/** What the session runs; of its state only what is there. */
function agentOf(state: string | null, version: number | undefined): ApprovalBody['agent'] {
  const agent = stateIn({ state })?.agent;
  return agent === undefined ? null : { id: agent.id, version: version ?? agent.version };
}

async function decided(
  control: Resources,
  { home, event }: FedEvent,
  { approval: id, review }: { readonly approval: string; readonly review?: { readonly placement: string } },
  status: ApprovalStatus,
): Promise<readonly ResourceChange[]> {
  const { tenant, session, at, actor } = event;
  const seq = parseApprovalId(id)?.seq;
  if (seq === undefined) return [];
  const [stored] = await home.events({ tenant, session, from: seq, to: seq, limit: 1 });
  if (stored === undefined) return [];
  const order = approvalOrder(id, decodeEnvelope({ tenant, session }, stored).at);
  const by = { status, decidedBy: actor, decidedAt: at, ...(review !== undefined && { placement: review.placement }) };
  return closing(control, tenant, order, by);
}

async function withdrawn(control: Resources, { home, event }: FedEvent): Promise<readonly ResourceChange[]> {
  const { tenant, session, at, actor } = event;
  const { session: parent, subagent } = whose(session, (await home.session(tenant, session))?.state ?? null);
  const query = { kind: 'approval_waiting', tenant, parent, order: 'asc', limit: OPEN_MOST } as const;
  const found = await control.resources({ ...query, after: null });
  // Those of the other agents of the session stay.
  const open = found.filter(row => (bodyOf(row).subagent ?? null) === subagent);
  const change = { status: 'withdrawn', decidedBy: actor, decidedAt: at } as const;
  const all = await Promise.all(open.map(row => closing(control, tenant, row.id.slice(WAITING_PREFIX.length), change)));
  return all.flat();
}

async function closing(
  control: Resources,
  tenant: TenantId,
  order: string,
  change: Pick<ApprovalBody, 'status' | 'decidedBy' | 'decidedAt' | 'placement'>,
): Promise<readonly ResourceChange[]> {
  const row = await control.resource('approval', tenant, ALL_PREFIX + order);
  if (row === null || bodyOf(row).status !== 'waiting') return [];
  const waiting = await control.resource('approval_waiting', tenant, WAITING_PREFIX + order);
  const body: ApprovalBody = { ...bodyOf(row), ...change };
  return [
    { op: 'put', row: { ...row, version: row.version + 1, body: JSON.stringify(body) } },
    ...(waiting === null
      ? []
      : [{ op: 'remove', kind: 'approval_waiting', tenant, id: waiting.id, version: waiting.version } as const]),
  ];
}

export function bodyOf(row: ResourceRow): ApprovalBody {
  return JSON.parse(row.body) as ApprovalBody;
}
