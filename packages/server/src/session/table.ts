/**
 * Which events each phase takes. The compiler forces the table complete: a new event or phase does not build until every
 * cell is decided. PROTOCOL.md prints it; a test keeps the two equal.
 */
import type { EventType } from '../log/events.ts';
import type { Phase } from './state.ts';

type Row = { readonly [T in EventType]: boolean };

const NOTHING: Row = {
  'session.created': false,
  'call.admitted': false,
  'session.claimed': false,
  'session.updated': false,
  'state.placed': false,
  'input.accepted': false,
  'turn.started': false,
  'call.placed': false,
  'call.completed': false,
  'call.failed': false,
  'call.cancelled': false,
  'tool.requested': false,
  'tool.placed': false,
  'tool.started': false,
  'tool.completed': false,
  'tool.failed': false,
  'tool.outcome_unknown': false,
  'tool.suspended': false,
  'approval.requested': false,
  'approval.granted': false,
  'approval.denied': false,
  'approval.expired': false,
  'turn.completed': false,
  'turn.failed': false,
  'turn.cancelled': false,
  'items.added': false,
  'item.deleted': false,
  'response.deleted': false,
  'session.labelled': false,
  'context.compacted': false,
  'session.forked': false,
  'session.sealed': false,
  'session.moved': false,
  'session.exported': false,
  'session.imported': false,
  'session.erased': false,
  'agent.configured': false,
  'input.queued': false,
  'input.steered': false,
  'tool.postponed': false,
  'tool.answered': false,
  'environment.changed': false,
  'environment.awaited': false,
  'tool.output': false,
  'tool.yielded': false,
  'tool.resumed': false,
  'subagent.created': false,
  'subagent.closed': false,
  'subagent.reopened': false,
};

/** What a session takes whatever it is doing, as long as it lives. */
const ALIVE: Partial<Row> = {
  'session.claimed': true,
  'session.updated': true,
  'response.deleted': true,
  'session.labelled': true,
  'session.forked': true,
  'session.exported': true,
  'state.placed': true,
  // Never what an open turn needs: the reducer sees to that.
  'session.erased': true,
  'agent.configured': true,
  // By whichever agent of the session: they run beside its turns.
  'subagent.created': true,
  'subagent.closed': true,
  'subagent.reopened': true,
};

const TURN: Partial<Row> = {
  ...ALIVE,
  'turn.failed': true,
  'turn.cancelled': true,
  'input.queued': true,
  'tool.answered': true,
};

const APPROVALS: Partial<Row> = { 'approval.granted': true, 'approval.denied': true, 'approval.expired': true };

const TOOLS: Partial<Row> = {
  'tool.requested': true,
  'tool.placed': true,
  'tool.started': true,
  'tool.completed': true,
  'tool.failed': true,
  'tool.outcome_unknown': true,
  'tool.postponed': true,
  'tool.suspended': true,
  'tool.yielded': true,
  'tool.resumed': true,
  'approval.requested': true,
};

export const TABLE: { readonly [P in Phase]: Row } = {
  none: { ...NOTHING, 'session.created': true, 'call.admitted': true },
  idle: {
    ...NOTHING,
    ...ALIVE,
    'tool.answered': true,
    'input.accepted': true,
    'turn.started': true,
    'items.added': true,
    'item.deleted': true,
    'session.sealed': true,
    'environment.changed': true,
  },
  turn_open: { ...NOTHING, ...TURN, 'call.placed': true, 'context.compacted': true },
  calling: { ...NOTHING, ...TURN, 'call.completed': true, 'call.failed': true, 'call.cancelled': true },
  // Approvals too: other tools of the same call may run while people are asked about one.
  called: {
    ...NOTHING,
    ...TURN,
    ...TOOLS,
    ...APPROVALS,
    'call.placed': true,
    'turn.completed': true,
    'context.compacted': true,
    'input.steered': true,
    'environment.changed': true,
    'environment.awaited': true,
    'tool.output': true,
  },
  // Whatever runs is not waited for: its outcome is never unknown here, and nothing is left to be postponed.
  waiting: {
    ...NOTHING,
    ...TURN,
    ...TOOLS,
    ...APPROVALS,
    'tool.outcome_unknown': false,
    'tool.postponed': false,
    'tool.suspended': false,
    'tool.yielded': false,
    'environment.changed': true,
  },
  sealed: {
    ...NOTHING,
    'session.moved': true,
    'session.claimed': true,
    'session.exported': true,
    'response.deleted': true,
    'session.erased': true,
  },
  // Responses outlive the conversation that they were made in: they can still be deleted, and forked from.
  ended: {
    ...NOTHING,
    'session.claimed': true,
    'session.forked': true,
    'response.deleted': true,
    'session.erased': true,
  },
  stateless_open: { ...NOTHING, 'call.placed': true },
  stateless_calling: { ...NOTHING, 'call.completed': true, 'call.failed': true, 'call.cancelled': true },
  stateless_done: { ...NOTHING, 'call.placed': true },
};
