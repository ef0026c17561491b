/** Event -> changes of the projections. Pure, so that every store projects alike and a rebuild gives what the appends gave (L1). */
import type { ResponseId } from '../kernel/ids.ts';
import type { Envelope, EnvelopeOf } from '../log/events.ts';
import type { ProjectionChange, ResponseStatus, SessionRow } from '../log/rows.ts';
import { type SessionState, wakeAt } from './state.ts';

/** @param before the state that the event was folded into; null for the first event */
export function project(before: SessionState | null, event: Envelope): readonly ProjectionChange[] {
  const position = (before?.position ?? 0) + 1;
  const { seq } = event;
  switch (event.type) {
    case 'input.accepted': {
      const { response, count } = event.head;
      return [
        { type: 'response_opened', id: response, fromSeq: seq, at: event.at },
        ...run(position, count, seq, null),
      ];
    }
    case 'call.completed':
      return before?.kind === 'stateless' ? [] : run(position, event.head.count, seq, null);
    case 'tool.completed':
    case 'tool.failed':
    case 'tool.postponed':
    case 'context.compacted':
    case 'input.steered':
      return run(position, event.head.count, seq, null);
    case 'items.added':
      return run(position, event.head.count, seq, event.head.base);
    case 'call.placed':
      return [{ type: 'placed', seq, at: event.at }];
    case 'state.placed':
    case 'tool.placed':
      return [{ type: 'placed', seq, at: event.at }];
    case 'turn.completed':
      return [closed(event.head.response, event.head.status, seq, before?.position ?? 0)];
    case 'turn.failed':
      return [
        closed(event.head.response, 'failed', seq, 0),
        { type: 'runs_dropped', position: before?.turn?.from ?? 0 },
      ];
    case 'turn.cancelled':
      return [
        closed(event.head.response, 'cancelled', seq, 0),
        { type: 'runs_dropped', position: before?.turn?.from ?? 0 },
      ];
    case 'response.deleted':
      return [{ type: 'response_deleted', id: event.head.response }, { type: 'erasure_due' }];
    case 'item.deleted':
      return [{ type: 'item_deleted', position: event.head.position }, { type: 'erasure_due' }];
    case 'session.forked':
      return [{ type: 'forked', child: event.head.child, to: event.head.to }];
    case 'session.erased':
      return erased(event);
    case 'session.created':
    case 'call.admitted':
    case 'session.claimed':
    case 'session.updated':
    case 'turn.started':
    case 'call.failed':
    case 'call.cancelled':
    case 'tool.requested':
    case 'tool.started':
    case 'tool.outcome_unknown':
    case 'tool.suspended':
    case 'approval.requested':
    case 'approval.granted':
    case 'approval.denied':
    case 'approval.expired':
    case 'session.labelled':
    case 'session.sealed':
    case 'session.moved':
    case 'session.exported':
    case 'session.imported':
    case 'agent.configured':
    case 'input.queued':
    case 'tool.answered':
    case 'environment.changed':
    case 'environment.awaited':
    case 'tool.output':
    case 'tool.yielded':
    case 'tool.resumed':
    case 'subagent.created':
    case 'subagent.closed':
    case 'subagent.reopened':
      return [];
  }
}

/** A part that was erased does not say that all is. */
function erased({ seq, head }: EnvelopeOf<'session.erased'>): readonly ProjectionChange[] {
  const { after, before, deferred } = head;
  if (deferred === true) return [{ type: 'erasure_due' }];
  const payloads = { type: 'payloads_erased', after, before: before ?? seq } as const;
  return before === undefined ? [payloads, { type: 'erasure_done' }] : [payloads];
}

function run(position: number, count: number, seq: number, base: string | null): ProjectionChange[] {
  return count === 0 ? [] : [{ type: 'run_added', position, count, seq, base }];
}

function closed(id: ResponseId, status: ResponseStatus, toSeq: number, position: number): ProjectionChange {
  return { type: 'response_closed', id, status, toSeq, position };
}

/** The state that a row holds; null of a stateless call, and where the row has none. */
export function stateIn({ state }: Pick<SessionRow, 'state'>): SessionState | null {
  return state === null ? null : (JSON.parse(state) as SessionState);
}

/** The session's own row. `digest` is the last event's. */
export function rowOf(state: SessionState, digest: Uint8Array): SessionRow {
  const { tenant, session, kind, seq, epoch, owner, createdAt, updatedAt, phase } = state;
  const stateless = kind === 'stateless';
  return {
    tenant,
    session,
    kind,
    seq,
    epoch,
    owner,
    // A turn that waits for people is no process's work, and a start reads nothing of it (L4). One that waits for sub-agents is: who rested last may
    // have died before it said so.
    open: stateless
      ? phase === 'stateless_open' || phase === 'stateless_calling'
      : state.turn !== null && (phase !== 'waiting' || state.turn.tools.some(({ status }) => status === 'yielded')),
    ended: phase === 'ended',
    wakeAt: wakeAt(state),
    createdAt,
    updatedAt,
    state: stateless ? null : JSON.stringify(state),
    digest,
  };
}
