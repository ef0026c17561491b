/**
 * Who runs when. Frames of one lane run one after another, in the order in which they came; lanes run beside one another, as many
 * at once as the connection may; a lane that waits for room gets it in the order in which it began to wait.
 */
import { perdureError } from '@perdure/protocol';
import type { ConnectionBounds } from './limits.ts';

interface Waiting<Job> {
  readonly job: Job;
  readonly bytes: number;
}

interface Lane<Job> {
  readonly queue: Waiting<Job>[];
  running: boolean;
}

export interface LanesOptions<Job> {
  readonly bounds: Pick<ConnectionBounds, 'responses' | 'lanes' | 'frames' | 'frameBytes'>;
  /** Runs a job to its end. Must not reject. */
  run(job: Job): Promise<void>;
  /** Called when the last job has ended and none waits. */
  idle(): void;
}

export class Lanes<Job> {
  readonly #options: LanesOptions<Job>;
  /** By stream id; null is the default lane. */
  readonly #lanes = new Map<string | null, Lane<Job>>();
  /** Lanes that have work and do not run, in the order in which they came to. */
  #ready: Lane<Job>[] = [];
  #running = 0;
  #frames = 0;
  #bytes = 0;

  constructor(options: LanesOptions<Job>) {
    this.#options = options;
  }

  /** Whether nothing runs and nothing waits. */
  get quiet(): boolean {
    return this.#running === 0 && this.#frames === 0;
  }

  /** Takes a job of `bytes` bytes. @throws websocket_stream_limit_reached, websocket_queue_full */
  take(name: string | null, job: Job, bytes: number): void {
    const { bounds } = this.#options;
    const lane = this.#lane(name);
    if (this.#frames >= bounds.frames || this.#bytes + bytes > bounds.frameBytes) {
      throw perdureError('websocket_queue_full', undefined, { retryAfterMs: 1000 });
    }
    lane.queue.push({ job, bytes });
    this.#frames += 1;
    this.#bytes += bytes;
    if (lane.queue.length === 1 && !lane.running) this.#ready.push(lane);
    this.#start();
  }

  /** Gives back what waits. What runs goes on. */
  clear(): readonly Job[] {
    const jobs = [...this.#lanes.values()].flatMap(lane => lane.queue.splice(0).map(({ job }) => job));
    this.#ready = [];
    this.#frames = 0;
    this.#bytes = 0;
    return jobs;
  }

  #lane(name: string | null): Lane<Job> {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const named = this.#lanes.size - (this.#lanes.has(null) ? 1 : 0);
    const { lanes } = this.#options.bounds;
    if (name !== null && named >= lanes) {
      throw perdureError(
        'websocket_stream_limit_reached',
        `This WebSocket connection has reached its maximum number of distinct stream IDs (${lanes}). Reuse an existing stream_id or open a new WebSocket connection.`,
        { param: 'stream_id' },
      );
    }
    const lane: Lane<Job> = { queue: [], running: false };
    this.#lanes.set(name, lane);
    return lane;
  }

  #start(): void {
    while (this.#running < this.#options.bounds.responses) {
      const lane = this.#ready.shift();
      const next = lane?.queue.shift();
      if (lane === undefined || next === undefined) return;
      this.#frames -= 1;
      this.#bytes -= next.bytes;
      this.#running += 1;
      lane.running = true;
      void this.#options.run(next.job).finally(() => this.#ended(lane));
    }
  }

  #ended(lane: Lane<Job>): void {
    lane.running = false;
    this.#running -= 1;
    if (lane.queue.length > 0) this.#ready.push(lane);
    this.#start();
    if (this.quiet) this.#options.idle();
  }
}
