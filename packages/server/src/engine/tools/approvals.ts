/**
 * Answering what a turn waits for: an approval, or a tool of which nobody knows whether it ran. Whoever answers says yes or no to an approval; what
 * follows is one commit, and the turn goes on from it.
 *
 * A1  An approval is decided once: of two who answer at once, one is told that it is not open any more (L7).
 * A2  What is decided is durable before whoever decided is told (L2). Then the turn is taken up again, in this process.
 */
import { perdureError } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import type { EventBody, Json, LogEvent } from '../../log/events.ts';
import type { OpenApproval, SessionState, ToolState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import { killPoint } from '../kill-point.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { recoverSession } from '../recovery.ts';
import { claim } from '../claim.ts';
import { parseApprovalId } from './approval-id.ts';
import { completedTool, failedTool } from './output.ts';

/** An approval as it stands. */
export interface ApprovalView {
  readonly id: string;
  readonly live: LiveSession;
  /** The event that asked. */
  readonly asked: Extract<LogEvent, { type: 'approval.requested' }>;
  /** Null once it is decided, has expired, or its turn has ended. */
  readonly open: OpenApproval | null;
  readonly tool: ToolState | null;
}

/** @throws approval_not_found, also for another tenant's (L10) */
export async function readApproval(engine: EngineContext, tenant: TenantId, id: string): Promise<ApprovalView> {
  const missing = (): Error => perdureError('approval_not_found');
  const place = parseApprovalId(id);
  const store = place === null ? null : engine.homes.ofBody(place.session.slice('sess_'.length));
  if (place === null || store === null) throw missing();
  const live = await engine.sessions.load(tenant, place.session, store);
  if (live === null || mustState(live).phase === 'ended') throw missing();
  const asked = await eventAt(engine, live, place.seq, 'approval.requested');
  if (asked?.head.approval !== id) throw missing();
  const { turn } = mustState(live);
  const open = turn?.approvals.find(one => one.approval === id) ?? null;
  return { id, live, asked, open, tool: turn?.tools.find(one => one.callId === asked.head.callId) ?? null };
}

/**
 * Says yes: the tool that waits runs with exactly the arguments that were shown.
 * @param actor as events name theirs: `key:<id>`
 * @param value the answer, where the tool itself asked for one
 * @throws approval_not_found; approval_not_open if it was decided already or its time is up
 */
export function grantApproval(
  engine: EngineContext,
  tenant: TenantId,
  id: string,
  actor: string,
  value: Json = null,
): Promise<void> {
  return decide(engine, tenant, id, actor, () => [
    { type: 'approval.granted', head: { approval: id }, payload: value === null ? null : { value } },
  ]);
}

/** Says no: the tool does not run, and the model is told the reason. @throws as `grantApproval` */
export function denyApproval(
  engine: EngineContext,
  tenant: TenantId,
  id: string,
  actor: string,
  reason: string,
): Promise<void> {
  const most = engine.tools.limits.outputChars;
  const said = reason === '' ? 'The call was not approved.' : `The call was not approved: ${reason}`;
  return decide(engine, tenant, id, actor, tool => [
    { type: 'approval.denied', head: { approval: id }, payload: { reason } },
    tool.status === 'outcome_unknown'
      ? failedTool(tool, { code: 'outcome_unknown', message: UNKNOWN }, most)
      : failedTool(tool, { code: 'approval_denied', message: said }, most),
  ]);
}

/** Says what a tool did of which nobody knew: the model is told it, and the tool does not run again. @throws as `grantApproval` */
export function completeApproval(
  engine: EngineContext,
  tenant: TenantId,
  id: string,
  actor: string,
  output: string,
): Promise<void> {
  return decide(engine, tenant, id, actor, tool => {
    if (tool.status !== 'outcome_unknown') throw perdureError('approval_not_open');
    return [
      { type: 'approval.granted', head: { approval: id }, payload: null },
      completedTool(tool, { ok: true, output }, engine.tools.limits.outputChars),
    ];
  });
}

const UNKNOWN =
  'The server stopped while this tool ran. It is not known whether it did its work, and it was not run again.';

async function decide(
  engine: EngineContext,
  tenant: TenantId,
  id: string,
  actor: string,
  bodies: (tool: ToolState) => readonly EventBody[],
): Promise<void> {
  const { live } = await readApproval(engine, tenant, id);
  await engine.sessions.wait(engine.lease.ensure());
  await engine.sessions.exclusive(live, async () => {
    // Looked at when the commit's time has come: what was open may be decided by the one before it.
    const claimed = await claim(engine, live);
    killPoint('approval.before-commit');
    await engine.sessions.commit(
      live,
      () => [...claimed, ...bodies(openTool(mustState(live), id, engine.clock.now()))],
      { actor },
    );
    killPoint('approval.after-commit');
  });
  await goOn(engine, live);
}

/** The tool that waits for the approval. @throws approval_not_open */
function openTool({ turn }: SessionState, id: string, now: number): ToolState {
  const open = turn?.approvals.find(one => one.approval === id);
  const tool = turn?.tools.find(one => one.callId === open?.callId);
  if (open === undefined || tool === undefined || open.expiresAt <= now) throw perdureError('approval_not_open');
  return tool;
}

/** Takes the turn up again if it waits for nobody any more. What fails here is recovery's to try again: the answer is in the log. */
export async function goOn(engine: EngineContext, live: LiveSession): Promise<void> {
  if (engine.stopping()) return;
  try {
    await recoverSession(engine, live);
  } catch {
    engine.recoverLater(live);
  }
}

/** The same for who holds an engine and not its parts. */
export interface Approvals {
  read(tenant: TenantId, id: string): Promise<ApprovalView>;
  grant(tenant: TenantId, id: string, actor: string, value?: Json): Promise<void>;
  deny(tenant: TenantId, id: string, actor: string, reason: string): Promise<void>;
  complete(tenant: TenantId, id: string, actor: string, output: string): Promise<void>;
}

export function approvalsOf(engine: EngineContext): Approvals {
  return {
    read: (tenant, id) => readApproval(engine, tenant, id),
    grant: (tenant, id, actor, value) => grantApproval(engine, tenant, id, actor, value),
    deny: (tenant, id, actor, reason) => denyApproval(engine, tenant, id, actor, reason),
    complete: (tenant, id, actor, output) => completeApproval(engine, tenant, id, actor, output),
  };
}
