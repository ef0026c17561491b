/** `POST /v1/responses`. */
import {
  type CreateResponse,
  errorBody,
  parseCreateResponse,
  perdureError,
  type ResponseResource,
  skippedTools,
  toPerdureError,
} from '@perdure/protocol';
import { deliver, type TakeSteps } from '../../engine/flow.ts';
import type { RespondInput, StoredResponse } from '../../engine/engine.ts';
import { type WireEvents, takeAll } from '../../engine/reading.ts';
import { JUST_BEGUN, resourceOf, responseEvent, type ResponseBase } from '../../engine/turn.ts';
import { sumUsage } from '../../log/events.ts';
import { errorEvent } from '../../engine/read.ts';
import type { StatelessCall } from '../../engine/stateless.ts';
import type { StepEnd } from '../../log/steps.ts';
import { OutputBuilder, type WireEvent } from '../../session/output.ts';
import { viewOf } from '../../session/shown.ts';
import { readJson } from '../body.ts';
import { inTime } from '../in-time.ts';
import { noteSkipped, sendJson, type Headers } from '../reply.ts';
import { EventStream, namedEvent, READER_LEFT } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { faultAsSent } from './fault-as-sent.ts';
import { readIdempotencyKey, readLabels } from '../request-headers.ts';

export async function createResponse(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, caller } = exchange;
  const body = await readJson(req, deps.limits);
  const parsed = parseCreateResponse(body.value, { prompts: deps.prompts.for(caller.tenant) });
  if (!parsed.ok) throw parsed.error;
  const request = parsed.value;
  try {
    await respond(deps, exchange, request, body.bytes);
  } catch (thrown) {
    throw faultAsSent(thrown, request);
  }
}

async function respond(deps: HttpDeps, exchange: Exchange, request: CreateResponse, bytes: Uint8Array): Promise<void> {
  const { req, caller } = exchange;
  noteSkipped(exchange.res, skippedTools(request.tools));
  const labels = readLabels(req);
  const key = readIdempotencyKey(req);
  const idempotency = key === null ? null : { key, body: bytes };
  if (!request.store) return stateless(deps, exchange, request, labels, idempotency);
  const begin = () => deps.engine.respond({ caller, request, labels, idempotency });
  const response = request.stream ? await begin() : await inTime(deps, exchange, begin);
  if (request.stream) return streamStored(deps, exchange, response);
  return request.background ? sendBegun(exchange, response) : sendStored(deps, exchange, response);
}

/** A background response as it stands: it is durable, and goes on whoever asks for it. */
async function sendBegun(exchange: Exchange, response: StoredResponse): Promise<void> {
  sendJson(exchange.res, 200, await response.now(), headersOfStored(exchange, response));
}

function headersOfStored(exchange: Exchange, { placement, id }: StoredResponse): Headers {
  return { ...headersOf(exchange, placement), 'perdure-response': id };
}

function headersOf(exchange: Exchange, placement: string | null): Headers {
  return { 'x-request-id': exchange.requestId, ...(placement !== null && { 'perdure-placement': placement }) };
}

/** The whole response once it is complete. If the client leaves, the turn goes on without it. */
async function sendStored(deps: HttpDeps, exchange: Exchange, response: StoredResponse): Promise<void> {
  const headers = headersOfStored(exchange, response);
  try {
    const late = () =>
      perdureError('deadline_exceeded', 'The response goes on; read it by its id in perdure-response.');
    sendJson(exchange.res, 200, await inTime(deps, exchange, () => response.done, late), headers);
  } catch (thrown) {
    const error = toPerdureError(thrown);
    for (const [name, value] of Object.entries(headers)) exchange.res.setHeader(name, value);
    throw error;
  }
}

async function streamStored(deps: HttpDeps, exchange: Exchange, response: StoredResponse): Promise<void> {
  // The upstream is asked in this turn of the event loop: nothing is written before that has gone out.
  await new Promise(resolve => void setImmediate(resolve));
  const stream = new EventStream(exchange.res, deps.limits, headersOfStored(exchange, response));
  await pipeEvents(stream, response.events(-1, exchange.signal));
}

/** Writes a stored stream to its reader. */
export async function pipeEvents(stream: EventStream, events: WireEvents): Promise<void> {
  try {
    await takeAll(events, batch => {
      if (!stream.open) throw READER_LEFT;
      return stream.put(batch.map(event => namedEvent(event.type, event.json)));
    });
    stream.end();
  } catch (error) {
    if (error === READER_LEFT) return;
    // What happened is in the log, or will be: the client may come back and read on.
    stream.cut();
  }
}

async function stateless(
  deps: HttpDeps,
  exchange: Exchange,
  request: CreateResponse,
  labels: readonly string[],
  idempotency: RespondInput['idempotency'],
): Promise<void> {
  const begin = (signal: AbortSignal) =>
    deps.engine.stateless({ caller: exchange.caller, request, extra: {}, labels, signal, idempotency });
  if (request.stream) return streamStateless(deps, exchange, await begin(exchange.signal));
  const { call, steps } = await inTime(deps, exchange, signal => answered(begin(signal)));
  const view = viewOf(call.base.settings);
  const builder = new OutputBuilder({ body: call.body, call: 1, seq: 0, index: 0, view });
  for (const step of steps) {
    if (step.type !== 'end') builder.push(step, null);
    else sendJson(exchange.res, 200, finished(call.base, builder, step), headersOf(exchange, call.placement));
  }
}

/** The call with its whole answer. */
export async function answered(
  begun: Promise<StatelessCall>,
): Promise<{ readonly call: StatelessCall; readonly steps: Awaited<ReturnType<StatelessCall['answer']>> }> {
  const call = await begun;
  return { call, steps: await call.answer() };
}

async function streamStateless(deps: HttpDeps, exchange: Exchange, call: StatelessCall): Promise<void> {
  const headers = headersOf(exchange, call.placement);
  const view = viewOf(call.base.settings);
  const builder = new OutputBuilder({ body: call.body, call: 1, seq: 2, index: 0, view });
  const beginning = resourceOf(call.base, JUST_BEGUN);
  let stream: EventStream | null = null;
  const take: TakeSteps = batch => {
    const events: WireEvent[] = [];
    if (stream === null)
      events.push(responseEvent('response.created', 0, beginning), responseEvent('response.in_progress', 1, beginning));
    for (const step of batch) {
      if (step.type !== 'end') {
        builder.push(step, events);
        continue;
      }
      const resource = finished(call.base, builder, step);
      events.push(responseEvent(`response.${resource.status}`, builder.seq, resource));
    }
    // The head waits for the first step: until then a failure is an HTTP error, which clients can retry on.
    stream ??= new EventStream(exchange.res, deps.limits, headers);
    if (!stream.open) throw READER_LEFT;
    return stream.put(events.map(event => namedEvent(event.type, event.json)));
  };
  try {
    await deliver(call.steps, take);
    (stream as EventStream | null)?.end();
  } catch (thrown) {
    if (thrown === READER_LEFT) return;
    const out = stream as EventStream | null;
    if (out === null) throw thrown;
    const error = toPerdureError(thrown);
    const { code, message } = errorBody(error).error;
    const progress = {
      status: 'failed' as const,
      output: builder.items,
      usage: null,
      completedAt: null,
      reason: null,
      error: { code, message },
    };
    const failed = resourceOf(call.base, progress);
    const last = [errorEvent(error, builder.seq), responseEvent('response.failed', builder.seq + 1, failed)];
    await out.write(last.map(event => namedEvent(event.type, event.json)));
    out.end();
  }
}

export function finished(base: ResponseBase, builder: OutputBuilder, end: StepEnd): ResponseResource {
  return resourceOf(base, {
    status: end.outcome,
    output: builder.items,
    usage: end.usage === null ? null : sumUsage(null, end.usage),
    completedAt: end.outcome === 'completed' ? Math.floor(Date.now() / 1000) : null,
    reason: end.reason,
    error: null,
    serviceTier: end.serviceTier ?? null,
  });
}
