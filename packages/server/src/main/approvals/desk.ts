/**
 * What somebody can ask and do about approvals, over HTTP. Lists are read from rows made of the log; what is shown of one approval, and what
 * is decided, comes from the log itself and is done by the engine.
 */
import {
  type ApprovalDetail,
  type ApprovalPage,
  type ApprovalQuery,
  type ApprovalResource,
  listPage,
  perdureError,
} from '@perdure/protocol';
import { actorOf, type Caller, EVERY_TENANT, seesAll } from '../../engine/caller.ts';
import { approvalOrder, type Asked, idOfOrder, readAsked } from '../../engine/feed/asked.ts';
import type { Feed, FedHome } from '../../engine/feed/follow.ts';
import type { Approvals } from '../../engine/tools/approvals.ts';
import { parseApprovalId } from '../../engine/tools/approval-id.ts';
import type { ResourceRow, Resources } from '../../engine/resources.ts';
import type { ApprovalView } from '../../http/perdure/approval-view.ts';
import { bodyHome, homeTag, type TenantId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import type { Json } from '../../log/events.ts';
import type { ApprovalRules } from '../config/agent-rules.ts';
import { ALL_PREFIX, type ApprovalBody, bodyOf, WAITING_PREFIX } from './projection.ts';

export interface ApprovalDeskParts {
  readonly homes: readonly FedHome[];
  readonly control: Resources;
  readonly feed: Pick<Feed, 'caughtUp'>;
  readonly doors: Omit<Approvals, 'read'>;
  readonly rules: ApprovalRules;
  readonly now: () => number;
}

/** Rows of one read, and reads of one page of a list that is filtered. */
const READ = 200;
const READS = 50;
/** Events in which a decision is looked for, for its reason. */
const DECISION_EVENTS = 1000;

export function makeApprovalDesk(parts: ApprovalDeskParts): ApprovalView {
  const { control, feed, doors, rules } = parts;

  const homeOf = (id: string): FedHome | null => {
    const place = parseApprovalId(id);
    const tag = place === null ? null : bodyHome(place.session.slice('sess_'.length));
    return parts.homes.find(({ home }) => homeTag(home) === tag) ?? null;
  };

  async function seen(tenant: TenantId, id: string): Promise<{ readonly asked: Asked; readonly home: FedHome }> {
    const home = homeOf(id);
    const asked = home === null ? null : await readAsked(home, tenant, id);
    if (home === null || asked === null) throw missing(id);
    return { asked, home };
  }

  async function rowOf(tenant: TenantId, { id, at }: Asked): Promise<ApprovalBody> {
    await feed.caughtUp();
    const row = await control.resource('approval', tenant, ALL_PREFIX + approvalOrder(id, at));
    if (row === null) throw missing(id);
    return bodyOf(row);
  }

  async function detail(tenant: TenantId, id: string): Promise<ApprovalDetail> {
    const { asked, home } = await seen(tenant, id);
    const body = await rowOf(tenant, asked);
    const given = body.status === 'denied' || body.status === 'granted';
    const reason = given ? await reasonOf(home, tenant, asked) : null;
    return { ...resourceOf(body, parts.now()), arguments: asked.arguments, about: asked.about, reason };
  }

  const decides = ({ scopes }: Caller): boolean =>
    scopes.includes('approve') ||
    scopes.includes('operator') ||
    (rules.byInferenceKeys && scopes.includes('inference'));

  /** What is decided, once it is clear that this caller may. */
  async function mayDecide(who: Caller, id: string): Promise<ApprovalBody> {
    const { asked } = await seen(who.tenant, id);
    if (!decides(who))
      throw perdureError('insufficient_scope', 'Deciding an approval needs a key with the scope approve or operator.');
    const { scopes } = who;
    if (asked.head.why === 'network' && !scopes.includes('approve') && !scopes.includes('operator'))
      throw perdureError('insufficient_scope', 'Opening hosts needs a key with the scope approve or operator.');
    if (rules.secondPerson && asked.requestedBy === actorOf(who)) throw perdureError('second_person_required');
    return rowOf(who.tenant, asked);
  }

  return {
    async list(who, query) {
      const tenant = tenantOf(who, query);
      await feed.caughtUp();
      return listApprovals(control, tenant, query, await cursorOf(query, tenant), parts.now());
    },
    async get(who, id) {
      const tenant = who.tenant;
      if (decides(who)) return detail(tenant, id);
      const { asked } = await seen(tenant, id);
      return resourceOf(await rowOf(tenant, asked), parts.now());
    },
    async grant(who, id, { binding, value = null }) {
      const body = await mayDecide(who, id);
      if (binding !== undefined && binding !== body.binding)
        throw perdureError('invalid_request', 'The approval binds something else than what was shown.', {
          param: 'binding',
        });
      await doors.grant(who.tenant, id, actorOf(who), value as Json);
      return detail(who.tenant, id);
    },
    async deny(who, id, { reason = '' }) {
      await mayDecide(who, id);
      await doors.deny(who.tenant, id, actorOf(who), reason);
      return detail(who.tenant, id);
    },
    async resolve(who, id, { outcome, output }) {
      const body = await mayDecide(who, id);
      if (body.why !== 'outcome_unknown')
        throw perdureError('invalid_request', 'Whether the tool ran is known: grant the approval or deny it.');
      if ((output !== undefined) !== (outcome === 'completed'))
        throw perdureError('invalid_request', "'output' is given with the outcome completed, and with no other.", {
          param: 'output',
        });
      const { tenant } = who;
      if (outcome === 'run_again') await doors.grant(tenant, id, actorOf(who), null);
      else if (outcome === 'give_up') await doors.deny(tenant, id, actorOf(who), '');
      else await doors.complete(tenant, id, actorOf(who), output ?? '');
      return detail(tenant, id);
    },
  };

  /** The row after which the page starts. */
  async function cursorOf({ after }: ApprovalQuery, tenant: TenantId): Promise<string | null> {
    if (after === undefined) return null;
    const home = homeOf(after);
    const asked = home === null ? null : await readAsked(home, tenant, after);
    if (asked === null)
      throw perdureError('approval_not_found', 'There is no such approval.', { status: 400, param: 'after' });
    return approvalOrder(after, asked.at);
  }
}

/** L10: another tenant's evidence is for who sees all, and must be named by who has no tenant. */
function tenantOf(who: Caller, { tenant }: ApprovalQuery): TenantId {
  if (tenant !== undefined && tenant !== who.tenant && !seesAll(who))
    throw perdureError('insufficient_scope', "Another tenant's approvals are listed with the scope operator.");
  const named = (tenant ?? who.tenant) as TenantId;
  if (named === EVERY_TENANT)
    throw perdureError('invalid_request', 'Name the tenant whose approvals are meant.', { param: 'tenant' });
  return named;
}

function missing(id: string): Error {
  return perdureError('approval_not_found', `There is no approval '${id.slice(0, 64)}'.`);
}

async function listApprovals(
  control: Resources,
  tenant: TenantId,
  query: ApprovalQuery,
  after: string | null,
  now: number,
): Promise<ApprovalPage> {
  const { limit, order, session_id: parent } = query;
  const waiting = query.status === 'waiting';
  const [kind, prefix] = waiting
    ? (['approval_waiting', WAITING_PREFIX] as const)
    : (['approval', ALL_PREFIX] as const);
  const found: ApprovalResource[] = [];
  let from = after === null ? null : prefix + after;
  let done = false;
  for (let read = 0; read < READS && found.length <= limit; read++) {
    const rows: readonly ResourceRow[] = await control.resources({
      kind,
      tenant,
      order,
      limit: READ,
      after: from,
      ...(parent !== undefined && { parent }),
    });
    found.push(...rows.map(row => resourceOf(bodyOf(row), now)).filter(one => matches(one, query)));
    done = rows.length < READ;
    if (done) break;
    from = rows.at(-1)?.id ?? null;
  }
  if (done || found.length > limit) return listPage(found.slice(0, limit), found.length > limit);
  // As many rows were looked at as one answer looks at: the next page goes on from the last of them.
  return { ...listPage(found, true), last_id: from === null ? null : idOfOrder(from.slice(prefix.length)) };
}

function matches(one: ApprovalResource, { status, agent_id: agent, why }: ApprovalQuery): boolean {
  return (
    (status === undefined || one.status === status) &&
    (agent === undefined || one.agent_id === agent) &&
    (why === undefined || one.why === why)
  );
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

function resourceOf(body: ApprovalBody, now: number): ApprovalResource {
  // Its time is up, though nobody has come to write that yet.
  const status = body.status === 'waiting' && body.expiresAt <= now ? 'expired' : body.status;
  return {
    id: body.approval,
    object: 'perdure.approval',
    status,
    why: body.why,
    session_id: body.session,
    ...(body.subagent !== undefined && { subagent_id: body.subagent }),
    agent_id: body.agent?.id ?? null,
    agent_version: body.agent?.version ?? null,
    call_id: body.callId,
    tool: body.tool,
    policy: body.policy,
    binding: body.binding,
    requested_by: body.requestedBy,
    requested_at: seconds(body.requestedAt),
    expires_at: seconds(body.expiresAt),
    decided_by: body.decidedBy,
    decided_at: body.decidedAt === null ? null : seconds(body.decidedAt),
    placement: body.placement ?? null,
  };
}

/** Why: in the event that decided it, after the one that asked. Null if nothing was said, or it was erased. */
async function reasonOf(home: FedHome, tenant: TenantId, { id, session }: Asked): Promise<string | null> {
  const from = (parseApprovalId(id)?.seq ?? 0) + 1;
  const events = await home.events({ tenant, session, from, limit: DECISION_EVENTS });
  for (const stored of events) {
    const event = decodeEvent({ tenant, session }, stored);
    if (event.type !== 'approval.denied' && event.type !== 'approval.granted') continue;
    if (event.head.approval === id) return event.payload?.reason ?? null;
  }
  return null;
}
