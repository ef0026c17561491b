/** The laws of calls that a model reviews: its verdict is one commit, is what it said, and its own call was placed and metered (L5, L7). */
import { isDeepStrictEqual } from 'node:util';
import type { LogEvent } from '../../../packages/server/src/log/events.ts';
import { reviewerPermits } from '../load/verdicts.ts';
import type { Violations } from '../violations.ts';
import type { Logged } from './in-agent-log.ts';
import type { ToolCounts } from './tool-laws.ts';

/** @param stateless logs of the calls that no session holds */
export function checkReviews(
  sessions: ReadonlyMap<string, Logged>,
  stateless: ReadonlyMap<string, readonly LogEvent[]>,
  violations: Violations,
  counts: ToolCounts,
): void {
  for (const [session, { events, tools }] of sessions)
    for (const [at, event] of events.entries()) {
      if (event.type !== 'approval.requested' || event.head.reviewed !== true) continue;
      const where = `${session} at ${event.seq}`;
      const verdict = events[at + 1];
      const decided = verdict?.type === 'approval.granted' || verdict?.type === 'approval.denied' ? verdict : null;
      if (decided?.head.approval !== event.head.approval || decided.actor !== 'reviewer') {
        violations.add('L7', 'a review without its verdict', where);
        continue;
      }
      const granted = decided.type === 'approval.granted';
      const { review } = decided.head;
      if (review === undefined) {
        counts.unasked += 1;
        if (granted) violations.add('L7', 'nobody was asked, and the answer was yes', where);
        continue;
      }
      counts[granted ? 'permitted' : 'refused'] += 1;
      const call = stateless.get(`sess_${review.placement.slice(4, -2)}`) ?? [];
      const [admitted] = call;
      const subject = admitted?.type === 'call.admitted' ? admitted.head.subject : null;
      const placed = call.some(one => one.type === 'call.placed' && one.head.chosen !== null);
      const end = call.find(one => one.type === 'call.completed' || one.type === 'call.failed');
      if (subject !== session || !placed || end === undefined) {
        violations.add('L5', 'a verdict whose call was not placed and metered', `${where}: ${review.placement}`);
        continue;
      }
      // A process that died before it was metered leaves it to be charged at its bound.
      const answered = end.type === 'call.completed';
      if (answered && !isDeepStrictEqual(end.head.usage, review.usage))
        violations.add('L5', 'a verdict says another usage than its call', `${where}: ${review.placement}`);
      const text = tools.texts.get(event.head.callId) ?? null;
      if (text === null || !(answered || granted)) continue;
      const { ticket } = JSON.parse(text) as { readonly ticket: string };
      if (granted !== reviewerPermits(ticket))
        violations.add('L7', 'a verdict is not what the model said', `${where} ${ticket}: ${decided.type}`);
    }
}
