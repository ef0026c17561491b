/** What an approval asks, read off the log (L1): the event that asks, and what led to it. */
import { parseJsonText } from '@perdure/protocol';
import { base32, type SessionId, type TenantId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import type { EventOf, Json, LogEvent } from '../../log/events.ts';
import type { SessionLog } from '../ports.ts';
import { parseApprovalId } from '../tools/approval-id.ts';

const PREFIX = 'appr_';
const TIME_CHARS = 10;

/** Sorts approvals by when they were asked for, whatever their sessions. Of an id of ours. */
export function approvalOrder(id: string, at: number): string {
  return base32(at, TIME_CHARS) + id.slice(PREFIX.length);
}

export function idOfOrder(order: string): string {
  return PREFIX + order.slice(TIME_CHARS);
}

export interface Asked {
  readonly id: string;
  readonly session: SessionId;
  /** ms since 1970. */
  readonly at: number;
  readonly head: EventOf<'approval.requested'>['head'];
  /** What the tool itself asks. */
  readonly about: Json;
  readonly tool: string;
  /** Who began the turn, as events name their actor. */
  readonly requestedBy: string;
  /** Null: erased, or not told. */
  readonly arguments: Json;
}

/** Events of one read, going back from the one that asks. */
const PAGE = 100;
/** Reads. A turn has fewer events than that. */
const PAGES = 50;

/** Null if the tenant has no such approval (L10). */
export async function readAsked(log: SessionLog, tenant: TenantId, id: string): Promise<Asked | null> {
  const place = parseApprovalId(id);
  if (place === null) return null;
  const { session, seq } = place;
  const range = { tenant, session, from: seq, to: seq, limit: 1 };
  const [stored] = await log.events(range);
  const asked = stored === undefined ? null : decodeEvent({ tenant, session }, stored);
  if (asked?.type !== 'approval.requested' || asked.head.approval !== id) return null;
  const found: Found = { tool: '', requestedBy: asked.actor, arguments: null };
  let to = seq - 1;
  for (let page = 0; page < PAGES && to >= 1; page++) {
    const from = Math.max(1, to - PAGE + 1);
    const events = await log.events({ tenant, session, from, to, limit: PAGE });
    for (const one of events.toReversed()) {
      const event = decodeEvent({ tenant, session }, one);
      look(event, asked.head.callId, found);
      if (event.type === 'turn.started') return askedOf(id, asked, found);
    }
    to = from - 1;
  }
  return askedOf(id, asked, found);
}

interface Found {
  tool: string;
  requestedBy: string;
  arguments: Json;
}

function look(event: LogEvent, callId: string, found: Found): void {
  if (event.type === 'turn.started') found.requestedBy = event.actor;
  if (event.type === 'tool.requested' && event.head.callId === callId && found.tool === '') {
    found.tool = event.head.tool;
    // Of a call that a program made.
    if (event.payload?.arguments !== undefined) found.arguments = readJson(event.payload.arguments);
  }
  if (event.type !== 'call.completed' || found.arguments !== null) return;
  const item = event.payload?.items.find(one => one['call_id'] === callId);
  const text = item?.['arguments'] ?? item?.['input'];
  if (typeof text === 'string') found.arguments = readJson(text);
}

/** Text that is no JSON (of custom tools) is shown as it is. */
function readJson(text: string): Json {
  try {
    return parseJsonText(text) as Json;
  } catch {
    return text;
  }
}

function askedOf(id: string, asked: Extract<LogEvent, { type: 'approval.requested' }>, found: Found): Asked {
  const { session, at, head, payload } = asked;
  return { id, session, at, head, about: payload?.about ?? null, ...found };
}
