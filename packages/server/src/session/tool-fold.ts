/**
 * What a turn's tools show to who follows an agent's session: facts, in the order of the log. They are numbered and kept with the turn's own stream, so
 * that a reader who comes back reads on from any of them.
 *
 * G1  Facts follow from the events of the turn alone, in their order: told live or from the log they are the same, with the same numbers.
 * G2  A tool that whoever drives the session is to run is told of once, and not before it may run.
 */
import { lateResult, outputIdOf } from './late-result.ts';
import {
  type EventBody,
  type Json,
  type JsonObject,
  type LoggedItem,
  type ProgramCaller,
  textOf,
  type ToolPlace,
} from '../log/events.ts';
import type { WireEvent } from './output.ts';
import { awaitEnvironment, changeEnvironment } from './reduce-environment.ts';
import { closeApproval, reduceTool, requestApproval, waits } from './reduce-tool.ts';
import { postponeCall } from './reduce-pending.ts';
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
  readonly type:
    | 'perdure.tool'
    | 'perdure.tool_output'
    | 'perdure.tool_done'
    | 'perdure.waiting'
    | 'perdure.resumed'
    | 'perdure.input'
    | 'perdure.environment';
  readonly json: JsonObject;
}

interface Call {
  readonly item: LoggedItem;
  /** Its index in the output of the turn; of a program's call, that of the program. */
  readonly index: number;
  readonly caller?: ProgramCaller;
  origin: ToolPlace;
  shown: boolean;
  /** With which its arguments were digested; null if that was erased. */
  salt: string | null;
  /** The model went on without its result, which has not come. */
  pending: boolean;
  /** What its run has shown so far of what it prints. */
  printed: string;
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
        return this.#takeInput(event.payload?.items ?? []);
      case 'tool.postponed': {
        const call = this.#calls.get(event.head.callId);
        if (call !== undefined) call.pending = true;
        return [...this.#takeTool(event), ...this.#standing(event, next)];
      }
      case 'tool.answered': {
        const call = this.#calls.get(event.head.callId);
        if (call?.item.id === event.head.item) call.pending = false;
        return [];
      }
      case 'call.completed':
        this.#takeCalls(event.payload?.items ?? [], index);
        return [];
      case 'environment.changed':
      case 'environment.awaited':
        return this.#takeEnvironment(event, next);
      case 'tool.requested':
      case 'tool.started':
      case 'tool.output':
      case 'tool.completed':
      case 'tool.failed':
      case 'tool.outcome_unknown':
      case 'tool.suspended':
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

  /** Input takes its place: messages, and results of calls. One of a call of this very turn ends it. */
  #takeInput(items: readonly LoggedItem[]): readonly Fact[] {
    const facts: Fact[] = [];
    let rest: LoggedItem[] = [];
    const flush = (): void => {
      if (rest.length > 0) facts.push({ type: 'perdure.input', json: { items: rest } });
      rest = [];
    };
    for (const item of items) {
      const result = lateResult(item);
      const call = result === null ? undefined : this.#calls.get(result.callId);
      if (result === null || call === undefined || call.item.id !== result.item) {
        rest.push(item);
        continue;
      }
      flush();
      this.#calls.delete(result.callId);
      const { code, output } = result;
      const message = code === null ? null : textOf(output);
      const shown = { type: 'function_call_output', id: outputIdOf(result.item), output };
      const json = { ...shownCall(result.callId, call), shown: call.shown, code, message, output: shown, detail: null };
      facts.push({ type: 'perdure.tool_done', json });
    }
    flush();
    return facts;
  }

  #takeCalls(items: readonly LoggedItem[], index: number): void {
    items.forEach((item, i) => {
      if (item.type !== 'function_call') return;
      const call: Call = {
        item,
        index: index + i,
        origin: { kind: 'builtin' },
        shown: false,
        salt: null,
        pending: false,
        printed: '',
      };
      this.#calls.set(textOf(item['call_id']), call);
    });
    this.#state = { ...this.#state, openCalls: [...this.#calls.keys()] };
  }

  /** No item of the model holds it. */
  #takeCallOfProgram({ head, payload }: Extract<FoldEvent, { type: 'tool.requested' }>): void {
    const { caller, callId, tool: name, item: id = callId } = head;
    const given = payload?.arguments;
    if (caller === undefined || given === undefined) return;
    const item: LoggedItem = { type: 'function_call', id, call_id: callId, name, arguments: given };
    const index = this.#calls.get(caller.program)?.index ?? 0;
    this.#calls.set(callId, {
      item,
      index,
      origin: { kind: 'builtin' },
      shown: false,
      salt: null,
      pending: false,
      printed: '',
      caller,
    });
  }

  #takeEnvironment(
    event: Extract<FoldEvent, { type: 'environment.changed' | 'environment.awaited' }>,
    next: FoldEvent['type'] | null,
  ): readonly Fact[] {
    const awaits = this.#state.turn?.awaits;
    const after =
      event.type === 'environment.changed'
        ? changeEnvironment(this.#state, event as unknown as Parameters<typeof changeEnvironment>[1])
        : awaitEnvironment(this.#state, event as unknown as Parameters<typeof awaitEnvironment>[1]);
    if (typeof after !== 'string') this.#state = after;
    const told = event.type === 'environment.changed' ? [environmentFact(event)] : [];
    // What is waited for is said again only if it is something else now.
    return this.#state.turn?.awaits === awaits ? told : [...told, ...this.#standing(event, next)];
  }

  #takeTool(
    event: Exclude<Extract<FoldEvent, { type: `tool.${string}` | `approval.${string}` }>, { type: 'tool.answered' }>,
  ): readonly Fact[] {
    const callId = 'callId' in event.head ? event.head.callId : this.#callOf(event.head.approval);
    if (event.type === 'tool.requested') this.#takeCallOfProgram(event);
    const call = this.#calls.get(callId);
    // Placed and numbered events are what the reducer takes; of these it looks at type and head only.
    const envelope = event as unknown as Parameters<typeof reduceTool>[1];
    const after =
      event.type === 'tool.postponed'
        ? postponeCall(this.#state, event as unknown as Parameters<typeof postponeCall>[1])
        : event.type.startsWith('tool.')
          ? reduceTool(this.#state, envelope)
          : event.type === 'approval.requested'
            ? requestApproval(this.#state, event as unknown as Parameters<typeof requestApproval>[1])
            : closeApproval(
                this.#state,
                'approval' in event.head ? (event.head.approval ?? '') : '',
                event.type === 'approval.granted',
              );
    // What is pending is kept with the calls here.
    if (typeof after !== 'string') this.#state = { ...after, pending: [] };
    switch (event.type) {
      case 'tool.started':
        // A run that begins again prints from the beginning.
        if (call !== undefined) call.printed = '';
        return [];
      case 'tool.output': {
        if (call === undefined || event.payload === null) return [];
        const { text } = event.payload;
        call.printed += text;
        return [{ type: 'perdure.tool_output', json: { ...shownCall(callId, call), text } }];
      }
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
              ...printedBefore(call, payload?.detail ?? null),
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
    if (event.type === 'tool.output') return [];
    // What becomes of it follows in the same commit.
    if (event.type === 'tool.requested' && event.head.held === true) return [];
    if (event.type === 'approval.requested' && event.head.reviewed === true) return [];
    if (turn.tools.some(tool => tool.status === 'refused')) return [];
    // What waits for other agents only needs nobody here.
    const needsPeople = turn.tools.some(tool => tool.status !== 'yielded');
    if (waits(turn) && needsPeople) {
      this.#told = true;
      return [{ type: 'perdure.waiting', json: { actions: [...this.actions, ...this.#pending] } }];
    }
    if (!this.#told) return [];
    this.#told = false;
    const pending = this.#pending;
    return [{ type: 'perdure.resumed', json: pending.length === 0 ? {} : { actions: pending } }];
  }

  /** Calls of the turn that it went on without. */
  get #pending(): readonly JsonObject[] {
    return [...this.#calls].flatMap(([callId, call]) =>
      call.pending ? [{ kind: 'function_call', ...shownCall(callId, call) }] : [],
    );
  }

  /** What the turn waits for, in the order of its calls. */
  get actions(): readonly JsonObject[] {
    const turn: TurnState | null = this.#state.turn;
    const awaits = turn?.awaits === undefined ? [] : [awaited(turn.awaits.environment)];
    const tools = (turn?.tools ?? []).flatMap((tool): JsonObject[] => {
      const call = this.#calls.get(tool.callId);
      if (call === undefined) return [];
      const asked = this.#asked.get(tool.callId);
      if (asked !== undefined) return [{ kind: 'approval', ...shownCall(tool.callId, call), ...asked }];
      return tool.client === true ? [{ kind: 'function_call', ...shownCall(tool.callId, call) }] : [];
    });
    return [...tools, ...awaits];
  }
}

function awaited(environment: string): JsonObject {
  return { kind: 'environment_connection', environment_id: environment };
}

/** Characters of the whole output that were shown while it ran; -1 if what was shown is not its beginning. */
function printedBefore({ printed }: Call, detail: JsonObject | null): JsonObject {
  if (printed === '') return {};
  return { printed: textOf(detail?.['output']).startsWith(printed) ? printed.length : -1 };
}

/** Where an environment stands, as readers are told it: in a turn, or between two. */
export function environmentFact({ head, payload }: Extract<FoldEvent, { type: 'environment.changed' }>): Fact {
  const { environment: id, kind: type, status, resets = 0, reset = false } = head;
  const error = payload?.error ?? null;
  return { type: 'perdure.environment', json: { environment: { id, error, status, type }, resets, reset } };
}

function shownCall(callId: string, { item, index, origin, caller }: Call): JsonObject {
  return {
    call_id: callId,
    name: textOf(item['name']),
    arguments: textOf(item['arguments']),
    item_id: item.id,
    output_index: index,
    origin: { ...origin },
    ...(caller !== undefined && { caller: { type: 'program', caller_id: caller.program } }),
  };
}

/** A fact as it lies in the turn's stream. */
export function factEvent({ type, json }: Fact, seq: number): WireEvent {
  return { seq, type, json: JSON.stringify({ type, sequence_number: seq, ...json }) };
}
