/**
 * What a turn's own stream says, in the events of the Agents API. Pure: an event's id follows from the turn and from its number in the stream,
 * so that it is the same for every reader, after every restart.
 */
import type { TurnEvents } from '../../engine/agent-sessions/follow-session.ts';
import { turnId } from '../../engine/agent-sessions/find.ts';
import { base32, fromBase32, ID_BODY_CHARS, type ResponseId } from '../../kernel/ids.ts';
import type { TreeEvent } from '../../engine/subagents/follow.ts';
import { type Json, type JsonObject, textOf } from '../../log/events.ts';
import type { WireEvent } from '../../session/output.ts';
import { requiredAction } from './session-resource.ts';
import { callItem, modelItem, outputItem, outputPart, printed, userItem } from './session-items.ts';
import { answersOf, toldItem } from './subagent-items.ts';
import { subagentResource } from './subagent-resource.ts';
import { turnError, turnResource } from './turn-resource.ts';

export interface AgentEvent {
  readonly id: string;
  readonly type: string;
  readonly json: string;
}

const NUMBER_CHARS = 7;
const PART_CHARS = 2;
/** Events that one event of a turn can become: what it prints is cut up no finer. */
const MAX_PARTS = 32 ** PART_CHARS - 1;
/** Events of a session's tree have the numbers from here on: other events of the session itself are fewer. */
const TREE_PARTS = 512;
/** Characters of output in one event. */
const DELTA_CHARS = 16 * 1024;
const FORM = new RegExp(`^evt_([0-9a-z]{${ID_BODY_CHARS}})([0-9a-z]{${NUMBER_CHARS}})([0-9a-z]{${PART_CHARS}})$`);

export function eventId(turn: string, seq: number, part: number): string {
  return `evt_${turn.slice(turn.indexOf('_') + 1)}${base32(seq, NUMBER_CHARS)}${base32(part, PART_CHARS)}`;
}

/** Where the event of an id lies; null if it is none of ours. */
export function parseEventId(
  id: string,
): { readonly turn: ResponseId; readonly seq: number; readonly part: number } | null {
  const [, body = '', seq = '', part = ''] = FORM.exec(id) ?? [];
  return body === '' ? null : { turn: `resp_${body}` as ResponseId, seq: fromBase32(seq), part: fromBase32(part) };
}

/** Whether an event of the session itself, and of no turn, tells of its sub-agents. */
export function isOfTree({ part }: { readonly part: number }): boolean {
  return part >= TREE_PARTS;
}

/** A session as an event shows it: it is as it is now, but for what the event says of it, so that who reads it again is told the same. */
export type Snapshot = (
  status: 'idle' | 'in_progress' | 'requires_action',
  actions: readonly JsonObject[],
) => JsonObject;

/** Of a turn's events, those that show the whole session. */
export function showsSession({ type }: WireEvent): boolean {
  return SHOW_SESSION.has(type);
}
const SHOW_SESSION: ReadonlySet<string> = new Set([
  'response.created',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'perdure.waiting',
  'perdure.resumed',
]);

/** @param snapshot asked only for events of which `showsSession` is true */
export function agentEvents(of: TurnEvents, session: string, snapshot: Snapshot): readonly AgentEvent[] {
  return of.events.flatMap(event => eventsOf(of, event, session, snapshot));
}

/** What became of the tree of sub-agents. Its ids follow from the session and the place in its log. */
export function treeEvents(session: string, events: readonly TreeEvent[]): readonly AgentEvent[] {
  return events.map(({ type: what, seq, part, subagent }) => {
    const id = eventId(session, seq, TREE_PARTS + part);
    const type = `agent.session.subagent.${what}`;
    return { id, type, json: JSON.stringify({ type, subagent: subagentResource(subagent), event_id: id }) };
  });
}

type Body = JsonObject & { readonly type: string };

function eventsOf(of: TurnEvents, event: WireEvent, session: string, snapshot: Snapshot): readonly AgentEvent[] {
  const turn = of.turn === null ? null : turnId(of.turn);
  const said = JSON.parse(event.json) as JsonObject;
  return bodiesOf(of, event.type, said, { session, turn, snapshot })
    .slice(0, MAX_PARTS)
    .map((body, part) => {
      const id = eventId(of.turn ?? session, event.seq, part);
      return { id, type: body.type, json: JSON.stringify({ ...body, event_id: id }) };
    });
}

interface Of {
  readonly session: string;
  /** Null of what happens between two turns. */
  readonly turn: string | null;
  readonly snapshot: Snapshot;
}

function bodiesOf(of: TurnEvents, type: string, said: JsonObject, at: Of): readonly Body[] {
  // Sub-agents work in the environment of their session, which tells of it.
  if (at.turn === null) return of.subagent === null ? outside(type, said, at.session) : [];
  return insideOf(of, type, said, { ...at, turn: at.turn });
}

/** What happens between two turns. */
function outside(type: string, said: JsonObject, session: string): readonly Body[] {
  return type === 'perdure.environment' ? environmentBodies(said, { session_id: session, turn_id: null }) : [];
}

function insideOf(of: TurnEvents, type: string, said: JsonObject, at: Of & { readonly turn: string }): readonly Body[] {
  const place = { session_id: at.session, turn_id: at.turn };
  const { subagent } = of;
  const who = subagent?.id ?? of.agent;
  const inputItem = (item: JsonObject): JsonObject =>
    subagent === null ? userItem(item, at.turn) : toldItem(item, at.turn, subagent);
  const sessionEvent = (name: string, session: JsonObject): Body => ({ type: `agent.session.${name}`, session });
  /** What the session's own agent does is what the session does. */
  const standing = (name: 'in_progress' | 'idle'): readonly Body[] =>
    subagent === null ? [sessionEvent(name, at.snapshot(name, []))] : [];
  const turnEvent = (name: string, status: string, usage = false): Body => {
    const turn = turnResource(said['response'] as JsonObject, {
      turn: at.turn,
      session: at.session,
      agent: of.agent,
      status,
      endedAt: of.endedAt,
      subagent: of.subagent?.id ?? null,
    });
    return { type: `agent.session.turn.${name}`, ...place, turn, ...(usage && { usage: turn['usage'] ?? null }) };
  };
  const itemEvent = (name: 'added' | 'done', item: JsonObject, index: Json): Body => ({
    type: `agent.session.turn.item.${name}`,
    ...place,
    item,
    output_index: index,
  });
  const index = said['output_index'] ?? null;
  const part = (name: string, more: JsonObject): Body => ({
    type: `agent.session.turn.${name}`,
    ...place,
    item_id: said['item_id'] ?? null,
    output_index: index,
    ...more,
  });
  const deltas = (item: string): readonly Body[] =>
    pieces(printed(said)).map(delta => ({
      type: 'agent.output.command_execution_output.delta',
      ...place,
      item_id: item,
      output_index: index,
      delta,
    }));
  const content = { content_index: said['content_index'] ?? 0 };
  const summary = { summary_index: said['summary_index'] ?? 0 };
  switch (type) {
    case 'response.created':
      return [...standing('in_progress'), turnEvent('created', 'in_progress')];
    case 'response.in_progress':
      return [
        turnEvent('in_progress', 'in_progress'),
        ...of.input.map(item => itemEvent('added', inputItem(item), null)),
      ];
    case 'response.output_item.added':
    case 'response.output_item.done': {
      const item = modelItem(said['item'] as JsonObject, at.turn);
      return item === null ? [] : [itemEvent(type === 'response.output_item.done' ? 'done' : 'added', item, index)];
    }
    case 'response.content_part.added':
    case 'response.content_part.done': {
      const given = said['part'] as JsonObject;
      if (given['type'] === 'reasoning_text') return [];
      return [part(type.slice('response.'.length), { ...content, part: outputPart(given) })];
    }
    case 'response.output_text.delta':
    case 'response.refusal.delta':
      return [part('output_text.delta', { ...content, delta: said['delta'] ?? '' })];
    case 'response.output_text.done':
      return [part('output_text.done', { ...content, text: said['text'] ?? '' })];
    case 'response.refusal.done':
      return [part('output_text.done', { ...content, text: said['refusal'] ?? '' })];
    case 'response.reasoning_summary_part.added':
      return [part('reasoning_summary_part.added', { ...summary, part: said['part'] ?? null })];
    case 'response.reasoning_summary_part.done':
      return [part('reasoning_summary_part.done', { ...summary, part: said['part'] ?? null, status: null })];
    case 'response.reasoning_summary_text.delta':
      return [part('reasoning_summary_text.delta', { ...summary, delta: said['delta'] ?? '' })];
    case 'response.reasoning_summary_text.done':
      return [part('reasoning_summary_text.done', { ...summary, text: said['text'] ?? '' })];
    case 'response.completed':
      return [turnEvent('completed', 'completed', true), ...standing('idle')];
    case 'response.incomplete':
    case 'response.failed': {
      const cancelled = turnError(said['response'] as JsonObject) === null;
      const end = cancelled ? turnEvent('cancelled', 'cancelled', true) : turnEvent('failed', 'failed', true);
      return [end, ...standing('idle')];
    }
    case 'perdure.waiting':
      return [sessionEvent('requires_action', at.snapshot('requires_action', actionsOf(said, at.turn)))];
    case 'perdure.resumed':
      return [sessionEvent('in_progress', at.snapshot('in_progress', actionsOf(said, at.turn)))];
    case 'perdure.input':
      return ((said['items'] ?? []) as readonly JsonObject[]).map(item => itemEvent('added', inputItem(item), null));
    case 'perdure.tool':
      return [itemEvent('added', callItem(said, at.turn, who), index)];
    case 'perdure.tool_output':
      return deltas(callItem(said, at.turn, who).id);
    case 'perdure.environment':
      // Its sub-agents work in the same.
      return subagent === null ? environmentBodies(said, place) : [];
    case 'perdure.tool_done': {
      const call = callItem(said, at.turn, who);
      const output = outputItem(said, at.turn);
      return [
        ...deltas(call.id),
        // One that was never told of is told of by its output alone: who drives the session must not run it.
        ...(said['shown'] === true ? [itemEvent('done', call, index)] : []),
        ...(output === null ? [] : [itemEvent('added', output, null)]),
        ...answersOf(said, at.turn, who).map(answer => itemEvent('added', answer, null)),
      ];
    }
    default:
      return [];
  }
}

function actionsOf(said: JsonObject, turn: string): readonly JsonObject[] {
  return ((said['actions'] ?? []) as readonly JsonObject[]).map(action => requiredAction(action, turn));
}

/** Where an environment stands, after that it began anew if it did. @param said a `perdure.environment` fact */
function environmentBodies(said: JsonObject, place: JsonObject): readonly Body[] {
  const environment = said['environment'] as JsonObject;
  const reset = said['reset'] === true;
  const status = textOf(environment['status']);
  return [
    ...(reset
      ? [
          {
            type: 'agent.session.environment.reset',
            ...place,
            environment_id: environment['id'] ?? '',
            reset_count: said['resets'] ?? 0,
          },
        ]
      : []),
    { type: `agent.session.environment.${status}`, ...place, environment },
  ];
}

function pieces(output: string): readonly string[] {
  const all: string[] = [];
  for (let at = 0; at < output.length; at += DELTA_CHARS) all.push(output.slice(at, at + DELTA_CHARS));
  return all;
}
