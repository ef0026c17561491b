/** What a person answered to a tool that asked, read from the log: the tool runs again with it. */
import { decodeEvent } from '../../log/codec.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { MAX_EVENTS_READ } from '../ports.ts';
import { parseApprovalId } from './approval-id.ts';
import type { ToolRun } from './ports.ts';

/** Null if the tool itself did not ask: then people were asked for its sake only. */
export async function answerOf(engine: EngineContext, live: LiveSession, approval: string): Promise<ToolRun['answer']> {
  const { tenant, session, store } = live;
  const from = parseApprovalId(approval)?.seq ?? 1;
  let resume: string | null = null;
  for (let at = from; ; at += MAX_EVENTS_READ) {
    const stored = await engine.sessions.wait(store.events({ tenant, session, from: at, limit: MAX_EVENTS_READ }));
    for (const one of stored) {
      const event = decodeEvent({ tenant, session }, one);
      if (event.type === 'approval.requested' && event.head.approval === approval) {
        if (event.head.why !== 'tool_asks' && event.head.why !== 'network') return null;
        resume = event.payload?.resume ?? null;
      }
      if (event.type === 'approval.granted' && event.head.approval === approval)
        return { granted: true, value: event.payload?.value ?? null, resume };
    }
    if (stored.length < MAX_EVENTS_READ) return null;
  }
}
