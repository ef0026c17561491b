/**
 * What a turn's tools show to who follows an agent's session: facts, in the order of the log. They are numbered and kept with the turn's own stream, so
 * that a reader who comes back reads on from any of them.
 *
 * G1  Facts follow from the events of the turn alone, in their order: told live or from the log they are the same, with the same numbers.
 * G2  A tool that whoever drives the session is to run is told of once, and not before it may run.
 */
import { type EventBody, type Json, type JsonObject, type LoggedItem, textOf, type ToolPlace } from '../log/events.ts';
import type { WireEvent } from './output.ts';
import { closeApproval, reduceTool, requestApproval, waits } from './reduce-tool.ts';
import type { SessionState, TurnState } from './state.ts';

/** An event, as far as facts need it. Its payload may be erased. */
export type FoldEvent = {
  readonly [T in EventBody['type']]: Foldable<Extract<EventBody, { type: T }>>;
}[EventBody['type']];
interface Foldable<B extends EventBody> {
  readonly type: B['type'];
  readonly head: B['head'];
  readonly payload: B['payload'] | null;
}

/** `json` is the event's own fields. */
export interface Fact {
  readonly type: 'perdure.tool' | 'perdure.tool_done' | 'perdure.waiting' | 'perdure.resumed' | 'perdure.input';
  readonly json: JsonObject;
}

interface Call {
  readonly item: LoggedItem;
  /** Its index in the output of the turn. */
  readonly index: number;
  origin: ToolPlace;
  shown: boolean;
  /** With which its arguments were digested; null if that was erased. */
  salt: string | null;
}

interface Asked {
  readonly approval: string;
  readonly expiresAt: number;
  readonly why: string;
  readonly about: Json;
}

/** Of a turn of which nothing is known but its tools. */
const EMPTY = { openCalls: [], position: 0, use: { toolsRun: 0 }, phase: 'called' } as const;

export class ToolFold {
  #state: SessionState = { ...EMPTY, turn: { tools: [], approvals: [] } } as unknown as SessionState;
  readonly #calls = new Map<string, Call>();
  readonly #asked = new Map<string, Asked>();
  #told = false;
  /** User messages of the turn so far. */
  inputs = 0;

  /**
   * @param index of a `call.completed`: where its items begin in the turn's output
   * @param next the event after it in the log, if it is there already
   */
  take(event: FoldEvent, index: number, next: FoldEvent['type'] | null): readonly Fact[] {
    switch (event.type) {
      case 'input.accepted':
        this.inputs += event.head.count;
        return [];
      case 'input.steered':
        this.inputs += event.head.count;
        return event.payload === null ? [] : [{ type: 'perdure.input', json: { items: event.payload.items } }];
      case 'call.completed':
        this.#takeCalls(event.payload?.items ?? [], index);
        return [];
      case 'tool.requested':
      case 'tool.started':
      case 'tool.completed':
      case 'tool.failed':
      case 'tool.outcome_unknown':
      case 'tool.yielded':
      case 'tool.resumed':
      case 'approval.requested':
      case 'approval.granted':
      case 'approval.denied':
      case 'approval.expired':
        return [...this.#takeTool(event), ...this.#standing(event, next)];
      default:
        return [];
    }
  }

  #takeCalls(items: readonly LoggedItem[], index: number): void {
    items.forEach((item, i) => {
      if (item.type !== 'function_call') return;
      const call: Call = { item, index: index + i, origin: { kind: 'builtin' }, shown: false, salt: null };
      this.#calls.set(textOf(item['call_id']), call);
    });
    this.#state = { ...this.#state, openCalls: [...this.#calls.keys()] };
  }

  #takeTool(event: Extract<FoldEvent, { type: `tool.${string}` | `approval.${string}` }>): readonly Fact[] {
    const callId = 'callId' in event.head ? event.head.callId : this.#callOf(event.head.approval);
    const call = this.#calls.get(callId);
    // Placed and numbered events are what the reducer takes; of these it looks at type and head only.
    const envelope = event as unknown as Parameters<typeof reduceTool>[1];
    const after = event.type.startsWith('tool.')
      ? reduceTool(this.#state, envelope)
      : event.type === 'approval.requested'
        ? requestApproval(this.#state, event as unknown as Parameters<typeof requestApproval>[1])
        : closeApproval(
            this.#state,
            'approval' in event.head ? (event.head.approval ?? '') : '',
            event.type === 'approval.granted',
          );
    if (typeof after !== 'string') this.#state = after;
    switch (event.type) {
      case 'tool.requested':
        if (call === undefined) return [];
        call.origin = event.head.origin ?? call.origin;
        call.salt = event.payload?.salt ?? null;
        return event.head.held === true ? [] : this.#show(callId, call);
      case 'approval.requested': {
        const { approval, expiresAt, why = 'policy' } = event.head;
        this.#asked.set(callId, { approval, expiresAt, why, about: event.payload?.about ?? null });
        return [];
      }
      case 'approval.granted':
        this.#asked.delete(callId);
        return call === undefined || call.shown ? [] : this.#show(callId, call);
      case 'tool.completed':
      case 'tool.failed': {
        this.#asked.delete(callId);
        this.#calls.delete(callId);
        if (call === undefined) return [];
        const failed = event.type === 'tool.failed';
        const { payload } = event;
        return [
          {
            type: 'perdure.tool_done',
            json: {
              ...shownCall(callId, call),
              shown: call.shown,
              code: failed ? event.head.code : null,
              message: payload !== null && 'message' in payload ? (payload.message ?? null) : null,
              output: payload?.items[0] ?? null,
              detail: payload?.detail ?? null,
            },
          },
        ];
      }
      default:
        return [];
    }
  }

  /** A call that has no result yet: its arguments as the model wrote them. */
  call(callId: string): { readonly name: string; readonly arguments: string; readonly salt: string | null } | null {
    const call = this.#calls.get(callId);
    if (call === undefined) return null;
    return { name: textOf(call.item['name']), arguments: textOf(call.item['arguments']), salt: call.salt };
  }

  #callOf(approval: string | null): string {
    for (const [callId, asked] of this.#asked) if (asked.approval === approval) return callId;
    return '';
  }

  #show(callId: string, call: Call): readonly Fact[] {
    call.shown = true;
    return [{ type: 'perdure.tool', json: shownCall(callId, call) }];
  }

  /** Whether the turn waits now, or goes on after it did. Not told in between: of several tools of one call, and of a refusal before its end. */
  #standing(event: FoldEvent, next: FoldEvent['type'] | null): readonly Fact[] {
    const { turn } = this.#state;
    if (turn === null || next === 'tool.requested') return [];
    // What becomes of it follows in the same commit.
    if (event.type === 'tool.requested' && event.head.held === true) return [];
    if (turn.tools.some(tool => tool.status === 'refused')) return [];
    // What waits for other agents only needs nobody here.
    const needsPeople = turn.tools.some(tool => tool.status !== 'yielded');
    if (waits(turn) && needsPeople) {
      this.#told = true;
      return [{ type: 'perdure.waiting', json: { actions: this.actions } }];
    }
    if (!this.#told) return [];
    this.#told = false;
    return [{ type: 'perdure.resumed', json: {} }];
  }

  /** What the turn waits for, in the order of its calls. */
  get actions(): readonly JsonObject[] {
    const turn: TurnState | null = this.#state.turn;
    return (turn?.tools ?? []).flatMap((tool): JsonObject[] => {
      const call = this.#calls.get(tool.callId);
      if (call === undefined) return [];
      const asked = this.#asked.get(tool.callId);
      if (asked !== undefined) return [{ kind: 'approval', ...shownCall(tool.callId, call), ...asked }];
      return tool.client === true ? [{ kind: 'function_call', ...shownCall(tool.callId, call) }] : [];
    });
  }
}

function shownCall(callId: string, { item, index, origin }: Call): JsonObject {
  return {
    call_id: callId,
    name: textOf(item['name']),
    arguments: textOf(item['arguments']),
    item_id: item.id,
    output_index: index,
    origin: { ...origin },
  };
}

/** A fact as it lies in the turn's stream. */
export function factEvent({ type, json }: Fact, seq: number): WireEvent {
  return { seq, type, json: JSON.stringify({ type, sequence_number: seq, ...json }) };
}
