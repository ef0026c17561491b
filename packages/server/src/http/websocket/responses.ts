/** Runs one `response.create` to its end: asks the engine, shows the events, and holds what is not stored. */
import { previousNotFound } from '../../engine/plan.ts';
import { type CreateResponse, errorBody, perdureError, type ResponseResource, toPerdureError } from '@perdure/protocol';
import type { Caller } from '../../engine/caller.ts';
import type { Engine, RespondInput } from '../../engine/engine.ts';
import type { StatelessCall } from '../../engine/stateless.ts';
import { JUST_BEGUN, resourceOf, responseEvent } from '../../engine/turn.ts';
import type { LoggedItem } from '../../log/events.ts';
import { OutputBuilder, type WireEvent } from '../../session/output.ts';
import { viewOf } from '../../session/shown.ts';
import { finished } from '../responses/create.ts';
import type { ChainCache } from './chain-cache.ts';
import { errorFrame, inLane } from './frames.ts';
import type { FrameWriter } from './writer.ts';

export interface Asked {
  readonly caller: Caller;
  readonly labels: readonly string[];
  readonly lane: string | null;
  readonly request: CreateResponse;
  readonly generate: boolean;
}

/** A response that has begun: what may still be asked of it. */
export interface Begun {
  readonly id: string;
  readonly stopAtBoundary: () => void;
}

export type Ended =
  | { readonly id: string; readonly failed: false; readonly output: readonly LoggedItem[] }
  | { readonly id: string; readonly failed: true; readonly message: string };

export interface ResponsesOptions {
  readonly engine: Pick<Engine, 'respond' | 'stateless'>;
  readonly cache: ChainCache;
  readonly writer: FrameWriter;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/**
 * Runs it to its end. @param onBegun called before its first event goes out
 * @throws PerdureError if it does not begin: nothing was shown. Afterwards failures are `response.failed` and the return value says so.
 */
export async function runResponse(
  options: ResponsesOptions,
  asked: Asked,
  onBegun: (begun: Begun) => void,
): Promise<Ended> {
  const { request, generate, lane } = asked;
  const { cache } = options;
  const previous = request.previous_response_id;
  // What could not be continued is let go, unless another lane brought it: then that one may go on from it.
  const letGo = (): void => {
    if (previous !== undefined && cache.get(previous)?.lane === lane) cache.evict(previous);
  };
  if (!generate && request.conversation !== undefined) {
    throw perdureError('unsupported_parameter', 'A conversation cannot be warmed up.', { param: 'generate' });
  }
  try {
    const ended =
      request.store && generate
        ? await runStored(options, { ...asked, request: storable(cache, request) }, onBegun)
        : await runHeld(options, asked, onBegun);
    if (ended.failed) letGo();
    return ended;
  } catch (thrown) {
    letGo();
    throw thrown;
  }
}

/** A stored response goes on from stored ones, or from a warm-up whose input may be stored. What was not to be stored never is. */
function storable(cache: ChainCache, request: CreateResponse): CreateResponse {
  const previous = request.previous_response_id;
  const held = previous === undefined ? null : cache.get(previous);
  if (held === null) return request;
  if (held.deferred === null) throw previousNotFound(previous ?? '');
  const { previous_response_id: _warm, ...rest } = request;
  const { input, previous: parent } = held.deferred;
  return {
    ...rest,
    input: [...input, ...request.input],
    ...(parent !== null && { previous_response_id: parent }),
  };
}

async function runStored(
  { engine, writer, signal }: ResponsesOptions,
  { caller, request, labels, lane }: Asked,
  onBegun: (begun: Begun) => void,
): Promise<Ended> {
  const input: RespondInput = { caller, request: { ...request, stream: true }, labels, idempotency: null };
  const response = await engine.respond(input);
  onBegun({ id: response.id, stopAtBoundary: () => response.stopAtBoundary() });
  const { id } = response;
  try {
    for await (const batch of response.events(-1, signal)) {
      // The reader has gone: the turn runs on, and nobody here waits for it.
      if (!writer.open) return { id, failed: true, message: 'The connection was closed.' };
      await writer.write(shown(batch).map(event => inLane(event.json, lane)));
    }
  } catch (thrown) {
    // What happened is in the log, or will be: the client may read it there. Here the response has no end to show.
    const error = toPerdureError(thrown);
    writer.send([errorFrame(error, lane)]);
    return { id, failed: true, message: error.message };
  }
  try {
    return { id, failed: false, output: itemsOf(await response.done) };
  } catch (thrown) {
    return { id, failed: true, message: toPerdureError(thrown).message };
  }
}

/** One terminal event a response: here `response.failed` says all that the stream's `error` event does, and clients take either for the end. */
function shown(events: readonly WireEvent[]): readonly WireEvent[] {
  return events.filter(({ type }) => type !== 'error');
}

/** Items are kept in wire form. */
function itemsOf({ output }: ResponseResource): readonly LoggedItem[] {
  return output;
}

/** A response that this connection alone holds: not stored, or a warm-up. */
async function runHeld(
  { engine, cache, writer, signal }: ResponsesOptions,
  { caller, request, labels, lane, generate }: Asked,
  onBegun: (begun: Begun) => void,
): Promise<Ended> {
  const previous = request.previous_response_id;
  const held = previous === undefined ? null : cache.get(previous);
  const call = await engine.stateless({
    caller,
    request: { ...request, stream: true },
    extra: {},
    labels,
    signal,
    warmUp: !generate,
    ...(held !== null && { before: held.context }),
  });
  const builder = new OutputBuilder({ body: call.body, call: 1, seq: 2, index: 0, view: viewOf(call.base.settings) });
  const hold = (): void => {
    const parent = held?.deferred;
    const mayBeStored = !generate && request.store && (held === null || parent != null);
    const deferred = mayBeStored
      ? { input: [...(parent?.input ?? []), ...request.input], previous: parent ? parent.previous : (previous ?? null) }
      : null;
    cache.put({ lane, context: call.after(builder.items), deferred });
  };
  return show(call, builder, { writer, lane, onBegun, hold });
}

interface Showing {
  readonly writer: FrameWriter;
  readonly lane: string | null;
  readonly onBegun: (begun: Begun) => void;
  /** Called once the answer is complete, before its end is shown: another lane may go on from it at once. */
  readonly hold: () => void;
}

async function show(
  call: StatelessCall,
  builder: OutputBuilder,
  { writer, lane, onBegun, hold }: Showing,
): Promise<Ended> {
  const { id } = call.base;
  const beginning = resourceOf(call.base, JUST_BEGUN);
  let begun = false;
  let events: WireEvent[] = ['response.created', 'response.in_progress'].map((type, seq) =>
    responseEvent(type, seq, beginning),
  );
  try {
    for await (const batch of call.steps) {
      for (const step of batch) {
        if (step.type !== 'end') {
          builder.push(step, events);
          continue;
        }
        hold();
        const resource = finished(call.base, builder, step);
        events.push(responseEvent(`response.${resource.status}`, builder.seq, resource));
      }
      if (!writer.open) return { id, failed: true, message: 'The connection was closed.' };
      // Shown with the first step: until then a failure is an error frame, after which the client may try again.
      if (!begun) onBegun({ id, stopAtBoundary: () => call.stopAtBoundary() });
      begun = true;
      await writer.write(events.map(event => inLane(event.json, lane)));
      events = [];
    }
    return { id, failed: false, output: builder.items };
  } catch (thrown) {
    if (!begun) throw thrown;
    const { code, message } = errorBody(toPerdureError(thrown)).error;
    const failed = resourceOf(call.base, {
      ...JUST_BEGUN,
      status: 'failed',
      output: builder.items,
      error: { code, message },
    });
    // The number before it is that of the stream's `error` event, which is not sent here.
    writer.send([inLane(responseEvent('response.failed', builder.seq + 1, failed).json, lane)]);
    return { id, failed: true, message };
  }
}
