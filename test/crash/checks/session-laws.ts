/** The laws that one session's events must keep, whatever died while they were written. */
import type { StoredEvent } from '../../../packages/server/src/log/codec.ts';
import type { LogEvent } from '../../../packages/server/src/log/events.ts';
import type { Violations } from '../violations.ts';
import type { LogReport } from './in-log.ts';
import { newToolCounts, type ToolCounts } from './tool-laws.ts';

export class LogCounts {
  sessions = 0;
  events = 0;
  placed = 0;
  placedStateless = 0;
  readonly resumed: number[] = [];
  readonly callIds = new Set<string>();
  readonly itemIds = new Set<string>();
  readonly tools: ToolCounts = newToolCounts();

  report(): LogReport {
    const { sessions, events, placed, placedStateless, resumed, tools } = this;
    return { sessions, events, placed, placedStateless, resumed, tools };
  }
}

/** L3: numbers without gaps or twins, epochs that only rise and only by a claim, each owner once. */
export function checkFences(
  violations: Violations,
  row: { readonly id: string; readonly seq: number; readonly epoch: number },
  events: readonly StoredEvent[],
): void {
  let epoch = 1;
  events.forEach(({ seq, epoch: at }, index) => {
    if (seq !== index + 1)
      violations.add('L3', 'a log has a gap or a number twice', `${row.id}: event ${index + 1} is numbered ${seq}`);
    if (at < epoch || at > epoch + 1)
      violations.add('L3', 'an epoch fell or leapt', `${row.id} at ${seq}: ${epoch}, then ${at}`);
    epoch = at;
  });
  const last = events.at(-1);
  if (last?.seq !== row.seq || last.epoch !== row.epoch)
    violations.add(
      'L3',
      'a row does not stand at the end of its log',
      `${row.id}: row ${row.seq}/${row.epoch}, log ${last?.seq ?? 0}/${last?.epoch ?? 0}`,
    );
}

/**
 * L5, L6, and one owner a process: over the whole log of a session.
 * @param waits its last turn is open, and waits for somebody
 */
export function checkCalls(
  violations: Violations,
  session: string,
  events: readonly LogEvent[],
  counts: LogCounts,
  waits = false,
): void {
  counts.sessions += 1;
  counts.events += events.length;
  const stateless = events[0]?.type === 'call.admitted';
  const owners = new Set<string>();
  let open: number | null = null;
  let turn = false;
  let claimedAt: number | null = null;
  const owned = (owner: string): void => {
    if (owners.has(owner)) violations.add('L3', 'an owner came back', `${session}: ${owner}`);
    owners.add(owner);
  };
  for (const event of events) {
    const where = `${session} at ${event.seq}: ${event.type}`;
    if (claimedAt !== null && (event.type === 'call.placed' || event.type === 'turn.failed')) {
      counts.resumed.push(event.at);
      claimedAt = null;
    }
    switch (event.type) {
      case 'session.created':
        owned(event.head.owner);
        break;
      case 'session.claimed':
        owned(event.head.owner);
        if (turn) claimedAt = event.at;
        break;
      case 'turn.started':
        if (turn) violations.add('L3', 'a turn began inside a turn', where);
        turn = true;
        break;
      case 'call.placed':
        if (open !== null) violations.add('L5', 'a call was placed over an open one', where);
        if (event.head.chosen !== null) {
          open = event.head.call;
          if (stateless) counts.placedStateless += 1;
          else counts.placed += 1;
        }
        break;
      case 'call.completed':
      case 'call.failed':
      case 'call.cancelled':
        if (open !== event.head.call) violations.add('L5', 'a call ended that was not placed', where);
        open = null;
        if (event.type === 'call.failed' && event.actor === 'recovery' && stateless && event.head.metered !== 'bound')
          violations.add('L5', 'a lost reservation is not charged at its bound', where);
        countItems(violations, event.payload?.items ?? [], counts, where);
        break;
      case 'turn.completed':
      case 'turn.failed':
      case 'turn.cancelled':
        if (!turn) violations.add('L2', 'a turn ended twice', where);
        turn = false;
        break;
      case 'input.accepted':
      case 'items.added':
      case 'input.steered':
      case 'tool.completed':
      case 'tool.failed':
        countItems(violations, event.payload?.items ?? [], counts, where);
        break;
      default:
    }
  }
  if (open !== null) violations.add('L5', 'a reservation is left open', `${session}: call ${open}`);
  if (turn && !waits) violations.add('liveness', 'a turn has no end', session);
}

function countItems(
  violations: Violations,
  items: readonly { readonly [name: string]: unknown }[],
  counts: LogCounts,
  where: string,
): void {
  for (const item of items) {
    const id = String(item['id']);
    if (counts.itemIds.has(id)) violations.add('L2', 'an item id is there twice', `${where}: ${id}`);
    counts.itemIds.add(id);
    if (item['type'] !== 'function_call') continue;
    const callId = String(item['call_id']);
    if (counts.callIds.has(callId)) violations.add('L6', 'a call_id is there twice', `${where}: ${callId}`);
    counts.callIds.add(callId);
  }
}
