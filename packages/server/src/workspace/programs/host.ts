/**
 * Programs in threads of their own, so that none holds the server's.
 *
 * H1  At most so many programs are in memory. One that waits for its calls is put away when another wants its place: it can be begun anew.
 * H2  A program that computes for longer than it may is ended with its thread.
 */
import { Worker } from 'node:worker_threads';
import type { LiveProgram, Program, ProgramHost } from '../../engine/programs/ports.ts';
import { PROGRAM_LIMITS, type ProgramLimits, type ProgramStep } from '../../tool/program.ts';
import { type ProgramAnswer, type ProgramRequest, type ProgramStart, READY } from './messages.ts';

/** Programs in memory at once. */
export const MAX_PROGRAMS = 4;

/** To load a thread, ms. */
const LOAD_MS = 60_000;

/** Of a thread's own heap and stack: the interpreter's memory lies beside them, and has bounds of its own, which it meets first. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 };

interface Place {
  readonly thread: ProgramThread;
  /** Whether it waits for what its calls bring. */
  idle: boolean;
}

export interface ProgramHostOptions {
  readonly limits?: ProgramLimits;
  readonly atOnce?: number;
}

export function programHost({ limits = PROGRAM_LIMITS, atOnce = MAX_PROGRAMS }: ProgramHostOptions = {}): ProgramHost {
  /** In order of use: the first is the one used least recently. */
  const places = new Set<Place>();
  const waiting: (() => void)[] = [];
  let closed = false;

  const leave = (place: Place): void => {
    if (!places.delete(place)) return;
    place.thread.end();
    waiting.shift()?.();
  };

  /** Begins a thread once there is room. @throws if `signal` aborts */
  async function placed(program: Program, signal: AbortSignal): Promise<Place> {
    while (places.size >= atOnce) {
      const idle = [...places].find(place => place.idle);
      if (idle !== undefined) leave(idle);
      else await next(signal);
      if (closed) throw new Error('programs are not run any more');
    }
    const place: Place = { thread: new ProgramThread(program, limits), idle: false };
    places.add(place);
    return place;
  }

  function next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        waiting.splice(waiting.indexOf(done), 1);
        reject(new Error('aborted'));
      };
      if (signal.aborted) return reject(new Error('aborted'));
      waiting.push(done);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  async function atWork(place: Place, work: () => Promise<ProgramStep>): Promise<ProgramStep> {
    place.idle = false;
    places.delete(place);
    places.add(place);
    try {
      const step = await work();
      if (step.end !== null) leave(place);
      return step;
    } catch (error) {
      leave(place);
      throw error;
    } finally {
      place.idle = true;
      if (places.has(place)) waiting.shift()?.();
    }
  }

  return {
    limits,
    async begin(program, signal): Promise<LiveProgram> {
      if (closed) throw new Error('programs are not run any more');
      const place = await placed(program, signal);
      const first = await atWork(place, () => place.thread.first());
      return {
        first,
        async feed(result) {
          if (place.thread.gone) leave(place);
          return places.has(place) ? atWork(place, () => place.thread.feed(result)) : null;
        },
        end: () => leave(place),
      };
    },
    async close() {
      closed = true;
      for (const place of places) leave(place);
      for (const wake of waiting.splice(0)) wake();
    },
  };
}

class ProgramThread {
  readonly #worker: Worker;
  readonly #limits: ProgramLimits;
  #answer: ((step: ProgramAnswer | Error) => void) | null = null;
  #gone: Error | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(program: Program, limits: ProgramLimits) {
    this.#limits = limits;
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    this.#worker = new Worker(new URL(`./worker${extension}`, import.meta.url), {
      workerData: { program, limits } satisfies ProgramStart,
      resourceLimits: RESOURCE_LIMITS,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Nothing of the server's, and nothing that it printed would be anybody's.
      env: {},
      stdout: true,
      stderr: true,
      name: 'program',
    });
    this.#worker.on('message', (said: ProgramAnswer | typeof READY) =>
      said === READY ? this.#time(limits.stepMs) : this.#answer?.(said),
    );
    this.#worker.on('error', error => this.#lost(error));
    this.#worker.on('exit', () => this.#lost(new Error('the thread ended')));
    this.#worker.unref();
  }

  get gone(): boolean {
    return this.#gone !== null;
  }

  first(): Promise<ProgramStep> {
    return this.#wait(LOAD_MS, () => undefined);
  }

  feed(result: ProgramRequest): Promise<ProgramStep> {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
    return this.#wait(this.#limits.stepMs, () => this.#worker.postMessage(result));
  }

  end(): void {
    this.#gone ??= new Error('the program was ended');
    void this.#worker.terminate();
  }

  /** What it does until it waits. Over its time, or if its thread dies of it, that is how it ends. */
  #wait(ms: number, ask: () => void): Promise<ProgramStep> {
    return new Promise<ProgramStep>((resolve, reject) => {
      if (this.#gone !== null) return reject(this.#gone);
      this.#time(ms);
      this.#answer = answer => {
        clearTimeout(this.#timer);
        this.#answer = null;
        if (answer instanceof Error) resolve(over('The thread that ran it could not go on.'));
        else resolve(answer);
      };
      ask();
    });
  }

  #time(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#answer?.(over(`It computed for more than ${ms} ms.`)), ms);
  }

  #lost(error: Error): void {
    this.#gone ??= error;
    this.#answer?.(error);
  }
}

function over(message: string): ProgramStep {
  return { calls: [], end: { ok: false, code: 'program_limit', message } };
}
