/**
 * One running turn: what it needs in memory, from its first commit (or its recovery) to its end.
 */
import { perdureError, responseResource, type PerdureError, type ResponseResource } from '@perdure/protocol';
import { placementId, type ResponseId } from '../kernel/ids.ts';
import { type JsonObject, type LoggedItem, sumUsage, type Usage } from '../log/events.ts';
import type { WireEvent } from '../session/output.ts';
import { type OutputView, shownItem, viewOf } from '../session/shown.ts';
import type { AgentTurn } from './agent-sessions/agent-turn.ts';
import type { Boundary } from './boundary.ts';
import { Broadcast } from './broadcast.ts';
import type { LiveSession } from './live-session.ts';
import type { ReachableTarget } from './placing.ts';
import type { CallSettings } from './ports.ts';

/** What of a response does not change while it runs. */
export interface ResponseBase {
  readonly id: ResponseId;
  readonly model: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly previous: ResponseId | null;
  readonly conversation: string | null;
  /** Settings in wire form, as stored. */
  readonly settings: JsonObject;
  readonly tools: JsonObject['tools'] | null;
  readonly instructions: string | null;
  readonly store: boolean;
  readonly background: boolean;
}

export class RunningTurn {
  readonly base: ResponseBase;
  readonly live: LiveSession;
  readonly body: string;
  /** Of the next call: what tools an agent's model is offered may grow. */
  call: CallSettings;
  readonly labels: readonly string[];
  readonly broadcast: Broadcast = new Broadcast();
  readonly abort: AbortController = new AbortController();
  /** Finished items of the output, those of cut calls included. */
  readonly output: LoggedItem[] = [];
  /** The number of the next wire event. */
  seq = 0;
  /** Whether a call of this turn was cut after it had shown something. */
  cut = false;
  usage: Usage | null = null;
  /** The service tier that the last call used, if it is not the one that was asked for. */
  serviceTier: string | null = null;
  /** What its readers see. */
  readonly view: OutputView;
  /** The target of the call in flight. */
  target: ReachableTarget | null = null;
  /** Whether the upstream of the call in flight was asked. */
  asked = false;
  /** Who cancelled it, as events name their actor; null if nobody has. It ends when the turn says so in the log. */
  cancelledBy: string | null = null;
  readonly avoid: string[] = [];
  /** Targets that failed at the call that is made now. */
  readonly failedAt: Set<string> = new Set();
  /** Targets that would fail again however often they were asked. */
  readonly hopeless: Set<string> = new Set();
  /** Why the last call failed, while one is made again for it, and how long was waited since, ms. */
  failed: { readonly cause: PerdureError; waited: number } | null = null;
  /** When its time is over, ms of `performance.now()`. */
  until = 0;
  /** Of an agent's session; null of any other. */
  agent: AgentTurn | null = null;
  /** Asks the call in flight to end before its next item. */
  readonly boundary: Boundary = { asked: false };
  /** Who asked for the turn: the principal's id. */
  principal = '';
  readonly done: Promise<ResponseResource>;
  /** The id of the placement of its first call; null if it makes none. */
  placement: string | null;
  /** The items of its request, as they are kept. */
  input: readonly LoggedItem[] = [];
  /** Settles `done`. */
  readonly finish: { resolve(resource: ResponseResource): void; reject(error: PerdureError): void };

  constructor(live: LiveSession, body: string, base: ResponseBase, call: CallSettings, labels: readonly string[]) {
    this.live = live;
    this.body = body;
    this.placement = placementId(body, 1);
    this.base = base;
    this.view = viewOf(base.settings);
    this.call = call;
    this.labels = labels;
    const { promise, resolve, reject } = Promise.withResolvers<ResponseResource>();
    this.done = promise;
    this.finish = { resolve, reject };
    // Nobody may wait for it: a stored turn whose client has left. Its outcome is in the log.
    promise.catch(() => undefined);
  }

  /** Stops the call in flight, and has the turn end as cancelled unless its end is on its way to the log already. */
  cancel(actor: string): void {
    this.cancelledBy ??= actor;
    this.abort.abort('cancelled');
  }

  /** The response as it stands. */
  resource(
    status: ResponseResource['status'],
    end: { at?: number; reason?: string | null; error?: PerdureError } = {},
  ): ResponseResource {
    return resourceOf(this.base, {
      status,
      output: this.output,
      usage: this.usage,
      serviceTier: this.serviceTier,
      completedAt: status === 'completed' && end.at !== undefined ? seconds(end.at) : null,
      reason: end.reason ?? null,
      error: end.error === undefined ? null : { code: end.error.code, message: end.error.message },
    });
  }

  /** An event about the whole response. */
  event(type: string, resource: ResponseResource): WireEvent {
    return responseEvent(type, this.seq++, resource);
  }

  /** The same, of a response that is serialised already. */
  eventOf(type: string, resourceJson: string): WireEvent {
    return eventOfJson(type, this.seq++, resourceJson);
  }

  addUsage(usage: Usage): void {
    this.usage = sumUsage(this.usage, usage);
  }
}

export function responseEvent(type: string, seq: number, resource: ResponseResource): WireEvent {
  return eventOfJson(type, seq, JSON.stringify(resource));
}

function eventOfJson(type: string, seq: number, resourceJson: string): WireEvent {
  return { seq, type, json: `{"type":"${type}","sequence_number":${seq},"response":${resourceJson}}` };
}

export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

export interface ResponseProgress {
  readonly status: ResponseResource['status'];
  readonly output: readonly LoggedItem[];
  readonly usage: Usage | null;
  readonly completedAt: number | null;
  readonly reason: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The service tier that was used; absent or null if that is not known (yet). */
  readonly serviceTier?: string | null;
}

/** Of a response that has shown nothing yet. */
export const JUST_BEGUN: ResponseProgress = {
  status: 'in_progress',
  output: [],
  usage: null,
  completedAt: null,
  reason: null,
  error: null,
};

/** The wire's response object from what is stored of it. Every snapshot, live or read back, is made here. */
export function resourceOf(base: ResponseBase, progress: ResponseProgress): ResponseResource {
  const { usage } = progress;
  const { include } = viewOf(base.settings);
  return responseResource({
    ...base.settings,
    id: base.id,
    created_at: base.createdAt,
    completed_at: progress.completedAt,
    status: progress.status,
    incomplete_details: progress.reason === null ? null : { reason: progress.reason },
    model: base.model,
    previous_response_id: base.previous,
    instructions: base.instructions,
    tools: (base.tools ?? []) as unknown as ResponseResource['tools'],
    // Items were written by this code in wire form (`OutputBuilder`); the log keeps them as plain JSON.
    output: progress.output.map(item => shownItem(item, include)) as unknown as ResponseResource['output'],
    error: progress.error,
    usage: usage && usageResource(usage),
    ...(progress.serviceTier != null && { service_tier: progress.serviceTier }),
    store: base.store,
    background: base.background,
    ...(base.conversation !== null && { conversation: { id: base.conversation } }),
  });
}

export function usageResource(usage: Usage): NonNullable<ResponseResource['usage']> {
  return {
    input_tokens: usage.input,
    input_tokens_details: {
      cached_tokens: usage.cached,
      ...(usage.written !== undefined && { cache_write_tokens: usage.written }),
    },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}

/** The error that a provider's failure means to a client. */
export function upstreamFailure(
  code: string,
  message: string,
  options: { param?: string | null; retryAfterMs?: number | null } = {},
): PerdureError {
  // What the upstream said of when to come again is said on, whatever it failed with.
  const wait = options.retryAfterMs == null ? {} : { retryAfterMs: options.retryAfterMs };
  switch (code) {
    case 'upstream_timeout':
    case 'upstream_interrupted':
    case 'context_length_exceeded':
    case 'upstream_rate_limited':
    case 'upstream_rejected':
    case 'upstream_invalid_request':
      return perdureError(code, message, { param: options.param ?? null, ...wait });
    case 'upstream_credentials':
      // Our credential, not the caller's: what the upstream said about it stays here (L9).
      return perdureError(
        'upstream_error',
        'The target did not accept this server’s credential; its operator must look.',
      );
    default:
      return perdureError('upstream_error', message, wait);
  }
}
