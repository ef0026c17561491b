/**
 * Steering: user messages for a response that runs. An accepted submission is owned here until the response that carries it has begun;
 * until then it is either in a queue or has been given back by `response.steer.failed`.
 *
 * W1  Every accepted submission ends in exactly one of: committed, given back, lost with its connection.
 * W2  Submissions of one response are committed together, in the order in which they came.
 */
import type { CreateResponse, InputItem } from '@perdure/protocol';
import type { Fields } from './frames.ts';
import type { ConnectionBounds } from './limits.ts';
import { readSteerInput } from './steer-input.ts';

export type SteerCode =
  | 'response_not_found'
  | 'invalid_input'
  | 'steering_not_supported'
  | 'too_many_pending_steers'
  | 'response_already_completed'
  | 'response_not_active'
  | 'successor_creation_failed';

/** A running response that may be steered. */
export interface SteerTarget {
  readonly lane: string | null;
  /** What asked for it: a successor inherits it. */
  readonly request: CreateResponse;
  /** Why it takes no steering; null if it does. */
  readonly unsupported: string | null;
  /** Asks it to end where that is safe. */
  stop(): void;
}

/** A call of the response that its client must answer. */
export interface OpenCall {
  readonly type: 'function_call_output' | 'custom_tool_call_output';
  readonly call_id: string;
  readonly name?: string;
}

interface Submission {
  readonly id: string;
  /** As the client sent it. */
  readonly given: unknown;
  readonly items: readonly InputItem[];
  readonly bytes: number;
}

interface Queue {
  readonly lane: string | null;
  readonly submissions: Submission[];
}

/** What follows an ended response: its queue waits for the client's outputs, goes into a successor, or there is none. */
export type AfterResponse =
  | { readonly type: 'nothing' }
  | { readonly type: 'pending' }
  | { readonly type: 'successor'; readonly request: CreateResponse };

export interface SteeringOptions {
  readonly bounds: Pick<ConnectionBounds, 'steers' | 'allSteers' | 'steerBytes' | 'ended'>;
  readonly newId: () => string;
  /** Sends an event that is no response's own. */
  send(lane: string | null, event: Fields): void;
}

export class Steering {
  readonly #options: SteeringOptions;
  readonly #running = new Map<string, SteerTarget>();
  /** By the response that is steered. */
  readonly #queues = new Map<string, Queue>();
  /** How responses of this connection ended: the last few. */
  readonly #ended = new Map<string, 'completed' | 'failed'>();
  #count = 0;
  #bytes = 0;
  #seq = 0;

  constructor(options: SteeringOptions) {
    this.#options = options;
  }

  began(id: string, target: SteerTarget): void {
    this.#running.set(id, target);
  }

  /** Takes a `response.steer` frame, or gives it back. @param size of the frame, bytes */
  take(body: Fields, size: number): void {
    const { previous_response_id: named, input } = body;
    const id = typeof named === 'string' ? named.slice(0, 256) : '';
    const target = this.#running.get(id);
    const refuse = (code: SteerCode, message: string): void =>
      this.#fail(target?.lane ?? null, { previous_response_id: id, input: input ?? '' }, code, message);
    if (target === undefined) return refuse(...this.#whyNot(id));
    const read = readSteerInput(body);
    if (!read.ok) return refuse('invalid_input', read.message);
    if (target.unsupported !== null) return refuse('steering_not_supported', target.unsupported);
    const { bounds } = this.#options;
    const queue = this.#queues.get(id) ?? { lane: target.lane, submissions: [] };
    const full = queue.submissions.length >= bounds.steers || this.#count >= bounds.allSteers;
    if (full || this.#bytes + size > bounds.steerBytes)
      return refuse('too_many_pending_steers', 'Too much steering input is pending; wait until it is applied.');
    const submission = { id: this.#options.newId(), given: input, items: read.items, bytes: size };
    queue.submissions.push(submission);
    this.#queues.set(id, queue);
    this.#count += 1;
    this.#bytes += size;
    target.stop();
    this.#send(target.lane, 'response.steer.accepted', { steer: { id: submission.id, previous_response_id: id } });
  }

  #whyNot(id: string): readonly [SteerCode, string] {
    const ended = this.#ended.get(id);
    if (ended === 'completed') return ['response_already_completed', 'The response has completed.'];
    if (ended === 'failed') return ['response_not_active', 'The response takes no more input.'];
    return ['response_not_found', 'No response of this connection has this id.'];
  }

  /** A response has ended and was shown to have. @param open the calls that its client must answer */
  completed(id: string, open: readonly OpenCall[]): AfterResponse {
    const target = this.#leave(id, 'completed');
    const queue = this.#queues.get(id);
    if (target === undefined || queue === undefined) return { type: 'nothing' };
    if (open.length > 0) {
      for (const { id: steer } of queue.submissions) {
        this.#send(queue.lane, 'response.steer.pending', {
          steer: { id: steer, previous_response_id: id },
          reason: 'waiting_for_required_input',
          required_input: open,
        });
      }
      return { type: 'pending' };
    }
    return {
      type: 'successor',
      request: { ...target.request, previous_response_id: id, input: [] },
    };
  }

  /** A response has failed: what was queued for it is given back. */
  failed(id: string, message: string): void {
    this.#leave(id, 'failed');
    this.giveBack(id, message);
  }

  /** What is to come before the input of a response that continues `id` in this lane. It stays queued until it is committed. */
  queued(id: string | undefined, lane: string | null): readonly InputItem[] {
    const queue = id === undefined || this.#running.has(id) ? undefined : this.#queues.get(id);
    return queue === undefined || queue.lane !== lane ? [] : queue.submissions.flatMap(({ items }) => items);
  }

  /** A response that continues `id` in this lane has begun: it carries what was queued. */
  committed(id: string, lane: string | null): void {
    if (this.queued(id, lane).length > 0) this.#drop(id);
  }

  /** The response that would carry what was queued for `id` cannot be. */
  giveBack(id: string, message: string): void {
    const queue = this.#drop(id);
    for (const { id: steer, given } of queue?.submissions ?? []) {
      const submission = { id: steer, previous_response_id: id, input: given };
      this.#fail(queue?.lane ?? null, submission, 'successor_creation_failed', message);
    }
  }

  /** Gives back all that waits: no response begins any more. */
  end(message: string): void {
    for (const id of this.#queues.keys()) this.giveBack(id, message);
  }

  #leave(id: string, how: 'completed' | 'failed'): SteerTarget | undefined {
    const target = this.#running.get(id);
    this.#running.delete(id);
    this.#ended.set(id, how);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > this.#options.bounds.ended && oldest !== undefined) this.#ended.delete(oldest);
    return target;
  }

  #drop(id: string): Queue | undefined {
    const queue = this.#queues.get(id);
    this.#queues.delete(id);
    for (const { bytes } of queue?.submissions ?? []) {
      this.#count -= 1;
      this.#bytes -= bytes;
    }
    return queue;
  }

  #fail(lane: string | null, steer: Fields, code: SteerCode, message: string): void {
    this.#send(lane, 'response.steer.failed', { steer, error: { type: 'invalid_request_error', code, message } });
  }

  /** Steering events are in no response's stream: they have a count of their own. */
  #send(lane: string | null, type: string, rest: Fields): void {
    this.#options.send(lane, { type, sequence_number: this.#seq++, ...rest });
  }
}
