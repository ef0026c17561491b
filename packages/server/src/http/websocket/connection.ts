/**
 * One WebSocket connection: frames in, responses out.
 *
 * K1  A fault of one frame is an `error` frame; the connection and its other lanes go on. It is closed for what cannot be told apart
 *     from abuse (binary frames, too large frames), for a key that is no longer good, and at the end of its time.
 * K2  Nothing is buffered without bound: frames that wait are counted, and a client that does not read is not read from.
 * K3  At the end of its time, and of the server's, no response begins; what runs is shown to its end.
 */
import { type CreateResponse, parseCreateResponse, perdureError, toPerdureError } from '@perdure/protocol';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Caller } from '../../engine/caller.ts';
import { callsOf } from '../../engine/stateless-context.ts';
import type { LoggedItem } from '../../log/events.ts';
import { faultAsSent } from '../responses/fault-as-sent.ts';
import type { HttpDeps } from '../types.ts';
import { ChainCache } from './chain-cache.ts';
import { type ClientFrame, errorFrame, type Fields, inLane, readFrame } from './frames.ts';
import { Lanes } from './lanes.ts';
import { CONNECTION_BOUNDS, type ConnectionBounds } from './limits.ts';
import { type Begun, type Ended, runResponse } from './responses.ts';
import { type OpenCall, Steering } from './steering.ts';
import { FrameWriter } from './writer.ts';

/** Close codes of RFC 6455. */
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const POLICY = 1008;
const SERVICE_RESTART = 1012;

/** Of a key that is no longer good. */
const KEY_FAULTS: ReadonlySet<string> = new Set(['missing_api_key', 'invalid_api_key', 'insufficient_scope']);

type Create = Extract<ClientFrame, { type: 'create' }>;

export interface ConnectionOptions {
  readonly deps: Pick<HttpDeps, 'engine' | 'prompts' | 'limits' | 'websocket' | 'report'>;
  readonly socket: WebSocket;
  readonly raw: Duplex;
  readonly labels: readonly string[];
  /** Whose prompts are found: a key stays its tenant's. */
  readonly tenant: string;
  /** Who asks, looked at again and counted for every response: a key may be revoked meanwhile, or have asked enough. @throws PerdureError */
  readonly admit: () => Caller;
  readonly bounds?: Partial<ConnectionBounds>;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #writer: FrameWriter;
  readonly #lanes: Lanes<Create>;
  readonly #cache: ChainCache;
  readonly #steering: Steering;
  readonly #gone = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Why no response begins any more: its own end, or the server's. */
  #ending: 'lifetime' | 'shutdown' | null = null;
  #answered = true;

  constructor(options: ConnectionOptions) {
    const { deps, socket, raw } = options;
    const bounds = { ...CONNECTION_BOUNDS, ...options.bounds };
    this.#options = options;
    this.#socket = socket;
    this.#writer = new FrameWriter(socket, raw, deps.limits.patienceMs);
    this.#cache = new ChainCache({ entries: bounds.entries, bytes: deps.websocket.cacheBytes });
    this.#lanes = new Lanes<Create>({ bounds, run: job => this.#run(job), idle: () => this.#endIfQuiet() });
    this.#steering = new Steering({
      bounds,
      newId: () => `steer_${crypto.randomUUID().replaceAll('-', '')}`,
      send: (lane, event) => this.#say(inLane(JSON.stringify(event), lane)),
    });
    socket.on('message', (data, binary) => void this.#message(data, binary));
    socket.on('ping', data => {
      if (!this.#writer.full) socket.pong(data, false, () => undefined);
    });
    socket.on('pong', () => {
      this.#answered = true;
    });
    // What was wrong with a frame is in the close code that ws sends.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
    this.#timers.push(
      setInterval(() => this.#ping(), deps.limits.heartbeatMs).unref(),
      setTimeout(() => this.#end('lifetime'), deps.websocket.lifetimeMs).unref(),
    );
  }

  /** Begins no response any more, and closes once what runs has ended. */
  shutdown(): void {
    this.#end('shutdown');
  }

  /** Closes in the middle of what runs: a stored response is taken up by the next process. */
  cut(): void {
    this.#socket.close(SERVICE_RESTART, 'shutdown');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  async #message(data: RawData, binary: boolean): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (binary) {
      this.#say(errorFrame(perdureError('invalid_request', 'Frames must be text.'), null));
      this.#socket.close(UNSUPPORTED_DATA, 'frames must be text');
      return;
    }
    const bytes = bytesOf(data);
    this.#take(bytes.toString('utf8'), bytes.length);
    if (!this.#writer.full) return;
    this.#socket.pause();
    await this.#writer.room().catch(() => undefined);
    this.#socket.resume();
  }

  #take(text: string, size: number): void {
    let lane: string | null = null;
    try {
      const frame = readFrame(text);
      if (frame.type === 'processed') return;
      if (frame.type === 'steer') return this.#steering.take(frame.body, size);
      lane = frame.lane;
      if (this.#ending !== null) throw this.#over();
      this.#lanes.take(lane, frame, size);
    } catch (thrown) {
      this.#refuse(thrown, lane);
    }
  }

  #refuse(thrown: unknown, lane: string | null): void {
    const error = toPerdureError(thrown);
    if (error.code === 'internal_error') this.#options.deps.report('websocket', thrown);
    this.#say(errorFrame(error, lane));
    if (KEY_FAULTS.has(error.code)) this.#socket.close(POLICY, error.code);
  }

  #say(frame: string): void {
    this.#writer.send([frame]);
  }

  /** Runs a frame, and the successors that steering makes of it. Never rejects. */
  async #run({ lane, generate, body }: Create): Promise<void> {
    try {
      if (this.#ending !== null) throw this.#over();
      // A warm-up may have no input at all: then it prepares what its settings say.
      const prompts = this.#options.deps.prompts.for(this.#options.tenant);
      const parsed = parseCreateResponse(body, { prompts, mayBeEmpty: !generate });
      if (!parsed.ok) throw parsed.error;
      if (parsed.value.background) {
        throw perdureError('unsupported_parameter', 'background is not offered over a WebSocket.', {
          param: 'background',
        });
      }
      const compacts = Array.isArray(body['context_management']) && body['context_management'].length > 0;
      const first = { lane, generate, compacts, request: parsed.value };
      const after = await this.#first(first).catch((thrown: unknown) => {
        throw faultAsSent(thrown, first.request);
      });
      for (let next = after; next !== null; ) next = await this.#succeed(next);
    } catch (thrown) {
      this.#refuse(thrown, lane);
    }
  }

  /** What the client asked for, with what was queued for it. @throws PerdureError if it does not begin */
  async #first(asked: Asking): Promise<Asking | null> {
    const { request, lane } = asked;
    const parent = request.previous_response_id;
    const queued = this.#steering.queued(parent, lane);
    try {
      return await this.#respond(asked, queued);
    } catch (thrown) {
      // What is not stored and failed is gone: nothing will ever go on from it.
      if (parent !== undefined && queued.length > 0 && !request.store)
        this.#steering.giveBack(parent, toPerdureError(thrown).message);
      throw thrown;
    }
  }

  /** An automatic successor. If it does not begin, its input is given back. */
  async #succeed(asked: Asking): Promise<Asking | null> {
    const parent = asked.request.previous_response_id ?? '';
    try {
      if (this.#ending !== null) throw this.#over();
      return await this.#respond(asked, this.#steering.queued(parent, asked.lane));
    } catch (thrown) {
      const error = toPerdureError(thrown);
      if (error.code === 'internal_error') this.#options.deps.report('websocket', thrown);
      this.#steering.giveBack(parent, error.message);
      return null;
    }
  }

  /** One response to its end. Gives what follows by itself. @throws PerdureError if it does not begin */
  async #respond(asked: Asking, queued: CreateResponse['input']): Promise<Asking | null> {
    const { lane, generate, request } = asked;
    const { deps, labels, admit } = this.#options;
    const parent = request.previous_response_id;
    const full = { ...request, input: [...queued, ...request.input] };
    const onBegun = ({ id, stopAtBoundary }: Begun): void => {
      if (parent !== undefined) this.#steering.committed(parent, lane);
      this.#steering.began(id, { lane, request, unsupported: unsteerable(asked), stop: stopAtBoundary });
    };
    const ended = await runResponse(
      { engine: deps.engine, cache: this.#cache, writer: this.#writer, signal: this.#gone.signal },
      { caller: admit(), labels, lane, generate, request: full },
      onBegun,
    );
    return this.#after(asked, ended);
  }

  #after(asked: Asking, ended: Ended): Asking | null {
    if (ended.failed) {
      this.#steering.failed(ended.id, ended.message);
      return null;
    }
    const next = this.#steering.completed(ended.id, openCalls(ended.output));
    return next.type === 'successor' ? { ...asked, request: next.request } : null;
  }

  #over(): Error {
    return this.#ending === 'shutdown'
      ? perdureError('server_draining', undefined, { retryAfterMs: 1000 })
      : this.#late();
  }

  #late(): Error {
    const minutes = Math.round(this.#options.deps.websocket.lifetimeMs / 60_000);
    return perdureError(
      'websocket_connection_limit_reached',
      `Responses websocket connection limit reached (${minutes} minutes). Create a new websocket connection to continue.`,
    );
  }

  #end(why: 'lifetime' | 'shutdown'): void {
    if (this.#ending === 'shutdown') return;
    this.#ending = why;
    const error = this.#over();
    for (const { lane } of this.#lanes.clear()) this.#refuse(error, lane);
    this.#endIfQuiet();
  }

  #endIfQuiet(): void {
    if (this.#ending === null || !this.#lanes.quiet) return;
    this.#steering.end('The connection ends.');
    // So that a client that is about to ask learns why, and that it may try again elsewhere.
    if (this.#ending === 'lifetime') this.#say(errorFrame(toPerdureError(this.#late()), null));
    this.#socket.close(this.#ending === 'lifetime' ? GOING_AWAY : SERVICE_RESTART, this.#ending);
  }

  #ping(): void {
    // Nothing gets through, a ping neither: whoever waits for room ends the connection if none comes.
    if (this.#writer.full) return void this.#writer.room().catch(() => undefined);
    if (!this.#answered) return this.terminate();
    this.#answered = false;
    this.#socket.ping();
  }

  #closed(): void {
    this.#timers.forEach(clearTimeout);
    this.#lanes.clear();
    this.#cache.clear();
    this.#gone.abort();
  }
}

interface Asking {
  readonly lane: string | null;
  readonly generate: boolean;
  /** Whether it asks for automatic compaction. */
  readonly compacts: boolean;
  readonly request: CreateResponse;
}

function unsteerable({ generate, compacts, request }: Asking): string | null {
  if (!generate) return 'A warm-up cannot be steered.';
  if (request.conversation !== undefined) return 'A response of a conversation cannot be steered.';
  return compacts ? 'A response that compacts its context cannot be steered.' : null;
}

function openCalls(output: readonly LoggedItem[]): readonly OpenCall[] {
  const open = new Set(callsOf(output));
  return output.flatMap((item): OpenCall[] => {
    const { call_id: id, name }: Fields = item;
    if (typeof id !== 'string' || !open.has(id)) return [];
    if (item.type !== 'function_call') return [{ type: 'custom_tool_call_output', call_id: id }];
    return [{ type: 'function_call_output', call_id: id, ...(typeof name === 'string' && { name }) }];
  });
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
