/** What clients send, and the errors that they are sent. One frame is one JSON text. */
import { errorBody, isJsonObject, parseJsonText, perdureError, type PerdureError } from '@perdure/protocol';

/** A JSON object whose members nobody has looked at yet. */
export interface Fields {
  readonly [name: string]: unknown;
}

export type ClientFrame =
  | {
      readonly type: 'create';
      /** The stream id; null for the default lane. */
      readonly lane: string | null;
      /** False: a warm-up, which calls no model. */
      readonly generate: boolean;
      /** The body as `POST /v1/responses` takes it. */
      readonly body: Fields;
    }
  /** Checked where the response that it names is known. */
  | { readonly type: 'steer'; readonly body: Fields }
  /** A client says that it has read a response to its end (Codex does): nothing follows from it. */
  | { readonly type: 'processed' };

const STREAM_ID = /^[A-Za-z0-9_.-]{1,256}$/;

/** @throws invalid_json, invalid_request, invalid_stream_id */
export function readFrame(text: string): ClientFrame {
  const value = parseJsonText(text, 'frame');
  if (!isJsonObject(value)) throw perdureError('invalid_request', 'A frame must be a JSON object.');
  const { type, ...rest } = value;
  if (type === 'response.steer') return { type: 'steer', body: rest };
  if (type === 'response.processed') return { type: 'processed' };
  if (type !== 'response.create') {
    throw perdureError('invalid_request', "The frame's 'type' must be 'response.create' or 'response.steer'.", {
      param: 'type',
    });
  }
  const { stream_id: lane, generate, ...body } = rest;
  return { type: 'create', lane: laneOf(lane), generate: generates(generate) && !prewarms(body), body };
}

function laneOf(given: unknown): string | null {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'string' || !STREAM_ID.test(given)) {
    throw perdureError(
      'invalid_stream_id',
      "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain letters, numbers, underscores, hyphens, and periods.",
      { param: 'stream_id' },
    );
  }
  return given;
}

function generates(given: unknown): boolean {
  if (given === undefined || given === null) return true;
  if (typeof given !== 'boolean')
    throw perdureError('invalid_request', "'generate' must be a boolean.", { param: 'generate' });
  return given;
}

/** A cache is warmed without an answer, whatever `generate` says. What is no boolean is the body's to refuse. */
function prewarms({ prompt_cache_options: options }: Fields): boolean {
  return isJsonObject(options) && options['prewarm'] === true;
}

/** A request that failed before its response began, or a fault of the connection (without a lane). */
export function errorFrame(error: PerdureError, lane: string | null): string {
  return JSON.stringify({
    type: 'error',
    status: error.status,
    error: errorBody(error).error,
    ...(lane !== null && { stream_id: lane }),
  });
}

/** An event's JSON, with its lane. Lane names need no escaping (`STREAM_ID`). */
export function inLane(json: string, lane: string | null): string {
  return lane === null ? json : `${json.slice(0, -1)},"stream_id":"${lane}"}`;
}
