/**
 * The event vocabulary: what can be said in a session log.
 *
 * Every event is an immutable envelope and, where it holds content, an erasable payload (L13). The `head` lies in the
 * envelope and is never content: ids, counts, codes, names of places. Whatever a user or a model said is in the payload.
 * Names are past tense; a new meaning is a new version in `codec.ts`, never a changed one.
 */
import type { HomeId, ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import type { AgentEvent } from './agent-events.ts';
import type { Json, JsonObject } from './json.ts';
import type { PendingEvent } from './pending-events.ts';
import type {
  Metered,
  Unsaid,
  CompactionRef,
  DocumentRef,
  FailurePayload,
  Files,
  ProgramCaller,
  Reservation,
  ReviewedBy,
  SessionOrigin,
  SharedPrefix,
  SubagentPlace,
  ToolPlace,
  UpstreamIds,
  Usage,
  Work,
} from './places.ts';

export { textOf } from './json.ts';
export type * from './json.ts';
export { NO_IDS, NO_USAGE, sumUsage } from './places.ts';
export type * from './places.ts';

/** An Open Responses item in its wire form, id and status included. */
export type LoggedItem = JsonObject & { readonly type: string; readonly id: string };

export type EventBody =
  | {
      readonly type: 'session.created';
      readonly head: {
        readonly kind: 'responses' | 'conversation' | 'agent';
        readonly home: HomeId;
        /** The process that began it, and holds it until another claims it. */
        readonly owner: string;
        readonly origin: SessionOrigin;
        /** Ancestors whose prefix this fork shares, oldest first; empty for a root. */
        readonly lineage: readonly SharedPrefix[];
        /** Labels inherited from the prefix (L8). */
        readonly labels: readonly string[];
        /** Calls that the prefix left without an output. */
        readonly openCalls: readonly string[];
        /** The parent's response that the fork continues. */
        readonly continues: ResponseId | null;
        /** The compaction in the shared prefix from which the context is read, if there is one. */
        readonly compacted?: CompactionRef;
        /** Of a sub-agent: whose it is. */
        readonly subagent?: SubagentPlace;
      };
      /** Null if no metadata was given. */
      readonly payload: { readonly metadata: JsonObject } | null;
    }
  | {
      /** The whole life of a stateless call: its log is this one, then `call.completed` or `call.failed`. */
      readonly type: 'call.admitted';
      readonly head: { readonly home: HomeId; readonly origin: SessionOrigin; readonly subject: SessionId | null };
      readonly payload: null;
    }
  | { readonly type: 'session.claimed'; readonly head: { readonly owner: string }; readonly payload: null }
  | {
      readonly type: 'session.updated';
      readonly head: { readonly metadata: true };
      readonly payload: { readonly metadata: JsonObject };
    }
  | { readonly type: 'state.placed'; readonly head: { readonly placement: JsonObject }; readonly payload: null }
  | {
      readonly type: 'input.accepted';
      readonly head: {
        readonly response: ResponseId;
        /** The response that the client continued, as it named it. */
        readonly previous: ResponseId | null;
        readonly count: number;
        /** Open calls that these items answer. */
        readonly answers: readonly string[];
        /** Calls that they make and leave open: only where no model is called after. */
        readonly calls?: readonly string[];
        /** Seqs of the `tool.postponed` whose results the items begin with. */
        readonly results?: readonly number[];
        /** Seqs of the `input.queued` of turns that ended without them: their items follow those results. */
        readonly queued?: readonly number[];
      } & Files;
      readonly payload: { readonly items: readonly LoggedItem[] };
    }
  | {
      readonly type: 'turn.started';
      readonly head: {
        readonly response: ResponseId;
        readonly model: string;
        readonly background: boolean;
        /** Whether a reader streams: only then are deltas journalled. */
        readonly streamed: boolean;
        readonly tools: DocumentRef | null;
        readonly instructions: DocumentRef | null;
        /** The span of whoever asked, as W3C Trace Context writes it. */
        readonly traceparent?: string;
        /** What the session and its sub-agents had done before, where it has any: the bounds of a turn count from there. */
        readonly before?: Work;
      };
      /** `settings`: what differs from the defaults. `documents`: texts first seen in this turn. Null if there is neither. */
      readonly payload: { readonly settings: JsonObject; readonly documents: readonly Json[] } | null;
    }
  | {
      readonly type: 'call.placed';
      readonly head: {
        /** 1 for the first call of the turn. */
        readonly call: number;
        readonly purpose: string;
        /** The target, or null when the contracts refused all or none could take it: then no call follows. */
        readonly chosen: string | null;
        /** The compact placement record (placement/record.ts), from which the whole explanation is recomputed. */
        readonly placement: JsonObject;
        readonly reserved: Reservation;
      };
      readonly payload: null;
    }
  | {
      readonly type: 'call.completed';
      readonly head: {
        readonly call: number;
        readonly outcome: 'completed' | 'incomplete';
        readonly reason: 'max_output_tokens' | 'content_filter' | 'steered' | null;
        readonly usage: Usage;
        readonly upstream: UpstreamIds;
        readonly count: number;
        /** call_ids of the calls that it asks for. */
        readonly calls: readonly string[];
        /** The service tier that the target says it used, if it is not the one that was asked for. */
        readonly serviceTier?: string;
        /** How the usage was found, where the upstream did not say it. */
        readonly metered?: Unsaid;
      };
      readonly payload: OutputPayload | null;
    }
  | {
      readonly type: 'call.failed';
      readonly head: {
        readonly call: number;
        readonly code: string;
        /** What is known to have been used; the reservation where nothing is. */
        readonly usage: Usage;
        readonly metered: Metered;
        /** Items that had been released to a reader and so must stay (they are closed as incomplete). */
        readonly count: number;
        readonly upstream: UpstreamIds;
      };
      readonly payload: OutputPayload | null;
    }
  | {
      readonly type: 'call.cancelled';
      readonly head: {
        readonly call: number;
        /** As for `call.failed`: once the upstream was asked nobody knows, and the reservation counts. */
        readonly usage: Usage;
        readonly metered: Metered;
        /** Items that had been released: they stay, the last of them closed as incomplete. */
        readonly count: number;
      };
      readonly payload: OutputPayload | null;
    }
  | {
      readonly type: 'tool.requested';
      readonly head: {
        readonly callId: string;
        readonly tool: string;
        readonly idempotent: boolean;
        /** SHA-256 of the salt in the payload and of the exact arguments, hexadecimal (L7, L13). */
        readonly arguments: string;
        /** The id of the item that asks for it. */
        readonly item?: string;
        /** SHA-256 of the tool's definition, hexadecimal (L7). */
        readonly definition?: string;
        /** Who runs it. Absent: this server, nobody knows more. */
        readonly origin?: ToolPlace;
        /** Whoever drives the session is not told of it yet: people are asked first, or it is denied. */
        readonly held?: true;
        /** The model goes on without its result. */
        readonly async?: true;
        /** The program that calls it, and the how-manieth of its calls it is, from 0. Absent: the model itself. */
        readonly caller?: ProgramCaller;
      };
      /** `arguments`: of a program's call, whose arguments no item of the model holds. */
      readonly payload: { readonly salt: string; readonly arguments?: string } | null;
    }
  | {
      /** Where a tool may run, or what it needs may go: decided before it starts, and only where a contract speaks of it. */
      readonly type: 'tool.placed';
      readonly head: {
        readonly callId: string;
        readonly action: 'execute' | 'egress';
        /** Null: the contracts refused it, and the tool does not run. */
        readonly chosen: string | null;
        /** As that of `call.placed`; the last field, so that replays find its end. */
        readonly placement: JsonObject;
      };
      readonly payload: null;
    }
  | {
      readonly type: 'tool.started';
      readonly head: { readonly callId: string; readonly approval: string | null };
      readonly payload: null;
    }
  | {
      readonly type: 'tool.completed';
      readonly head: {
        readonly callId: string;
        readonly count: number;
        /** The input of a keyed request that brought it: `<reserved id>.<index>`. */
        readonly request?: string;
        /** Of a search: the names of the tools that it found. */
        readonly found?: readonly string[];
      } & Files;
      /** `detail`: what is shown of it besides what the model is told. */
      readonly payload: { readonly items: readonly LoggedItem[]; readonly detail?: JsonObject };
    }
  | {
      readonly type: 'tool.failed';
      readonly head: {
        readonly callId: string;
        readonly code: string;
        readonly count: number;
        /** As of `tool.completed`. */
        readonly request?: string;
      };
      readonly payload: {
        readonly items: readonly LoggedItem[];
        readonly message?: string;
        readonly detail?: JsonObject;
      };
    }
  | { readonly type: 'tool.outcome_unknown'; readonly head: { readonly callId: string }; readonly payload: null }
  | {
      readonly type: 'approval.requested';
      readonly head: {
        readonly approval: string;
        readonly callId: string;
        readonly arguments: string;
        readonly policy: string;
        readonly expiresAt: number;
        /** What else it binds (L7): the digest of the tool's definition, and the version of the agent. */
        readonly definition?: string;
        readonly agentVersion?: number;
        /** Why people are asked, if not for the policy: the tool itself asks, for hosts too, or nobody knows whether it ran. */
        readonly why?: 'tool_asks' | 'outcome_unknown' | 'network';
        /** A model is asked in the place of people: its verdict is in the same commit. */
        readonly reviewed?: true;
      };
      /** What the tool asks; `resume` is what it wants back with the answer. */
      readonly payload: { readonly about: JsonObject; readonly resume: string | null } | null;
    }
  | {
      readonly type: 'approval.granted';
      /** `review`: of a verdict that a model gave. */
      readonly head: { readonly approval: string; readonly review?: ReviewedBy };
      /** `value`: the answer, where the tool asked for one. `reason`: why a reviewer said yes. */
      readonly payload: { readonly value: Json; readonly reason?: string } | null;
    }
  | {
      readonly type: 'approval.denied';
      readonly head: { readonly approval: string; readonly review?: ReviewedBy };
      readonly payload: { readonly reason: string };
    }
  | { readonly type: 'approval.expired'; readonly head: { readonly approval: string }; readonly payload: null }
  | {
      readonly type: 'turn.completed';
      readonly head: {
        readonly response: ResponseId;
        readonly status: 'completed' | 'incomplete';
        readonly reason: string | null;
      } & Files;
      readonly payload: null;
    }
  | {
      readonly type: 'turn.failed';
      readonly head: { readonly response: ResponseId; readonly code: string };
      readonly payload: FailurePayload;
    }
  | { readonly type: 'turn.cancelled'; readonly head: { readonly response: ResponseId }; readonly payload: null }
  | {
      readonly type: 'items.added';
      readonly head: {
        readonly base: string;
        readonly count: number;
        readonly calls: readonly string[];
        readonly answers: readonly string[];
      } & Files;
      readonly payload: { readonly items: readonly LoggedItem[] };
    }
  | { readonly type: 'item.deleted'; readonly head: { readonly position: number }; readonly payload: null }
  | { readonly type: 'response.deleted'; readonly head: { readonly response: ResponseId }; readonly payload: null }
  | { readonly type: 'session.labelled'; readonly head: { readonly labels: readonly string[] }; readonly payload: null }
  | {
      readonly type: 'context.compacted';
      readonly head: {
        /** It stands for positions 1..`to`. */
        readonly to: number;
        /** Its own items: they take positions, as what the turn showed. */
        readonly count: number;
        /** The compaction before it, to which a fork from before it goes back. */
        readonly previous: CompactionRef | null;
        /** Whether the turn was for this alone: then no call of the model answers it. */
        readonly final: boolean;
      };
      /** Compaction items are open here: `items` holds what they stand for (`engine/compaction/open-item.ts`). */
      readonly payload: { readonly items: readonly LoggedItem[] };
    }
  | {
      readonly type: 'session.forked';
      readonly head: { readonly child: SessionId; readonly to: number };
      readonly payload: null;
    }
  | { readonly type: 'session.sealed'; readonly head: { readonly reason: string }; readonly payload: null }
  | { readonly type: 'session.moved'; readonly head: { readonly to: HomeId }; readonly payload: null }
  | { readonly type: 'session.exported'; readonly head: { readonly digest: string }; readonly payload: null }
  | {
      readonly type: 'session.imported';
      readonly head: { readonly digest: string; readonly from: HomeId };
      readonly payload: null;
    }
  | {
      /** Payloads of events after `after` are gone; `whole` ends the session. */
      readonly type: 'session.erased';
      readonly head: {
        readonly after: number;
        readonly whole: boolean;
        /** Only those before this seq; up to this event if absent. */
        readonly before?: number;
        /** It erases nothing yet: a hold is, or may be, in the way. */
        readonly deferred?: true;
      };
      readonly payload: null;
    }
  | {
      /** What an agent's session runs from here on. */
      readonly type: 'agent.configured';
      readonly head: { readonly agent: string; readonly version: number };
      readonly payload: { readonly config: JsonObject };
    }
  | PendingEvent<LoggedItem>
  | AgentEvent<JsonObject, LoggedItem>;

/** Items that a call produced, and the boundaries of their released deltas, so that the stream regenerates byte for byte. */
export interface OutputPayload {
  readonly items: readonly LoggedItem[];
  /** An entry an item, of an entry a part: the lengths (UTF-16 units) of its deltas. Null if nobody streamed: nothing was released. */
  readonly deltas: readonly (readonly (readonly number[])[])[] | null;
  /** By the index of an item, where its summary parts did not all come before its content parts: which of its parts are summaries, in order. */
  readonly mixed?: { readonly [index: string]: readonly boolean[] };
  /** By the index of an item that has log probabilities: how many came with each delta, of an entry a part. */
  readonly logprobs?: { readonly [index: string]: readonly (readonly number[])[] };
}

export type EventType = EventBody['type'];
export type EventOf<T extends EventType> = Extract<EventBody, { type: T }>;
export type HeadOf<T extends EventType> = EventOf<T>['head'];

export interface EventPlace {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** From 1, without gaps. */
  readonly seq: number;
  /** The fence under which it was written (L3). */
  readonly epoch: number;
  /** ms since 1970. */
  readonly at: number;
  /** Who caused it: `key:<name>`, `engine`, `recovery`. */
  readonly actor: string;
}

type EnvelopeOfBody<B extends EventBody> = B extends EventBody
  ? EventPlace & { readonly type: B['type']; readonly head: B['head'] }
  : never;

/** What never changes and is never erased: all that the reducer may look at. */
export type Envelope = EnvelopeOfBody<EventBody>;
export type EnvelopeOf<T extends EventType> = Extract<Envelope, { type: T }>;

type EventOfBody<B extends EventBody> = B extends EventBody
  ? EventPlace & { readonly type: B['type']; readonly head: B['head']; readonly payload: B['payload'] | null }
  : never;

/** An event as read back: its payload is null where it has none, or where it was erased. */
export type LogEvent = EventOfBody<EventBody>;
