/**
 * Driving a program: it is interpreted until it waits, the calls that it made are asked for in the log, those that may run are run, and what came of
 * them is told to it, in the order of the log.
 *
 * J1  The log is all that a program is told (P1). Whether it is still in memory, or is begun anew after a crash or a wait, it is told the same in the same order.
 * J2  A call is in the log before anything is done about it; its id follows from the program's and its index. One that was made before and is made otherwise now
 *     ends the program (`program_diverged`), and nothing new is run for it.
 * J3  A program ends after all of its calls have. If only people can carry them on, it is suspended: nothing of it is held (L4).
 */
import type { JsonObject, LoggedItem } from '../../log/events.ts';
import { canRun } from '../../session/reduce-tool.ts';
import type { ToolState } from '../../session/state.ts';
import { divergence, type ProgramCall, type ProgramEnd, programSource } from '../../tool/program.ts';
import type { AgentTurn } from '../agent-sessions/agent-turn.ts';
import type { EngineContext } from '../engine-context.ts';
import { killPoint } from '../kill-point.ts';
import { mustState } from '../plan.ts';
import { completedTool, failedTool } from '../tools/output.ts';
import { requested } from '../tools/request-tools.ts';
import type { RunningTurn } from '../turn.ts';
import type { LiveProgram, ProgramHost } from './ports.ts';
import { ProgramJournal } from './program-journal.ts';

export interface ProgramRun {
  readonly programs: ProgramHost;
  readonly state: ToolState;
  readonly args: JsonObject;
  /** The same for every run of the program's call, and for no other. */
  readonly seed: string;
  /** Starts those of its calls that may start now. What it gives resolves as they end. */
  start(calls: readonly ToolState[]): Promise<readonly Promise<void>[]>;
}

/** Resolves when the program has ended, is suspended, or the turn was told to stop. */
export async function runProgram(
  engine: EngineContext,
  turn: RunningTurn,
  agent: AgentTurn,
  run: ProgramRun,
): Promise<void> {
  const driver = new Driver(engine, turn, agent, run);
  try {
    while (await driver.step());
  } finally {
    await driver.leave();
  }
}

class Driver {
  readonly #engine: EngineContext;
  readonly #turn: RunningTurn;
  readonly #agent: AgentTurn;
  readonly #run: ProgramRun;
  readonly #journal: ProgramJournal;
  readonly #running = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];
  #live: LiveProgram | null = null;
  /** Calls of the program in memory, and how many results it was told. */
  #made: ProgramCall[] = [];
  #told = 0;
  #end: ProgramEnd | null = null;

  constructor(engine: EngineContext, turn: RunningTurn, agent: AgentTurn, run: ProgramRun) {
    this.#engine = engine;
    this.#turn = turn;
    this.#agent = agent;
    this.#run = run;
    this.#journal = new ProgramJournal(engine, turn.live, run.state.callId);
  }

  /** One step; false if it was the last. */
  async step(): Promise<boolean> {
    const changed = this.#changed();
    try {
      await this.#journal.read();
      if (this.#stopped()) return false;
      await this.#interpret();
      if (this.#stopped()) return false;
      if (await this.#request()) return true;
      const open = this.#open();
      if (this.#end !== null && open.length === 0 && this.#running.size === 0) {
        await this.#finish(this.#end);
        return false;
      }
      if (await this.#startSome(open)) return true;
      if (this.#running.size === 0) return !(await this.#suspend());
      await changed.happened;
      return true;
    } finally {
      changed.forget();
    }
  }

  async leave(): Promise<void> {
    this.#live?.end();
    await Promise.all(this.#running);
  }

  #stopped(): boolean {
    if (this.#failures.length > 0) throw this.#failures[0];
    return this.#turn.abort.signal.aborted;
  }

  /** Runs what is to be told to it; anew, if it is not in memory. */
  async #interpret(): Promise<void> {
    if (this.#end !== null) return;
    const { programs, args, seed } = this.#run;
    const given = programSource(args, programs.limits);
    if ('wrong' in given) {
      this.#end = { ok: false, code: 'invalid_arguments', message: given.wrong };
      return;
    }
    if (this.#live === null) {
      const { signal } = this.#turn.abort;
      const program = { source: given.source, seed, at: this.#journal.at };
      const begun = await programs.begin(program, signal).catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      });
      if (begun === null) return;
      this.#live = begun;
      this.#made = [...begun.first.calls];
      this.#told = 0;
      this.#end = begun.first.end;
    }
    const { results } = this.#journal;
    // What it calls after a result is asked for before it is told the next.
    while (this.#end === null && this.#made.length <= this.#journal.calls) {
      const result = results[this.#told];
      if (result === undefined) break;
      const step = await this.#live.feed(result);
      if (step === null) {
        this.#live = null;
        return this.#interpret();
      }
      this.#told += 1;
      this.#made.push(...step.calls);
      this.#end = step.end;
    }
    const at = divergence(this.#made, this.#journal.calls, (call, index) => this.#journal.same(call, index));
    if (at === null) return;
    const message = `Run again, the program did not make call ${at} as it did before; nothing more was run.`;
    this.#end = { ok: false, code: 'program_diverged', message };
  }

  /** Asks for the calls that it has made and the log does not know. */
  async #request(): Promise<boolean> {
    const { calls } = this.#journal;
    // What a program did in the step in which it failed is not done.
    const fresh = this.#end?.ok === false ? [] : this.#made.slice(calls);
    if (fresh.length === 0) return false;
    const { live } = this.#turn;
    const { tools } = this.#engine.tools.limits;
    const before = mustState(live).turn?.toolCalls ?? 0;
    if (before + fresh.length > tools) {
      this.#end = { ok: false, code: 'program_limit', message: `A turn may call tools at most ${tools} times.` };
      return false;
    }
    const items = fresh.map((call, i) => this.#item(call, calls + i));
    killPoint('program.before-request');
    await this.#engine.sessions.commit(
      live,
      () => {
        const { seq } = mustState(live);
        const bodies: ReturnType<typeof requested>[number][] = [];
        for (const [i, item] of items.entries()) {
          const caller = { program: this.#run.state.callId, index: calls + i };
          const at = seq + bodies.length + 1;
          bodies.push(...requested(this.#engine, this.#turn, this.#agent, { item, seq: at, caller }));
        }
        return bodies;
      },
      { actor: 'engine' },
    );
    killPoint('program.after-request');
    return true;
  }

  /** What stands for the item that a model would have written. */
  #item({ name, arguments: args }: ProgramCall, index: number): LoggedItem {
    const { callId, item = callId } = this.#run.state;
    const place = JSON.stringify([this.#turn.live.session, this.#turn.base.id, callId, index]);
    const digest = Buffer.from(this.#engine.sha256(place)).toString('hex');
    const id = `${item.replace(/^[a-z]+_/, 'fc_')}_${index}`;
    return { type: 'function_call', id, call_id: `call_${digest.slice(0, 32)}`, name, arguments: args };
  }

  #open(): readonly ToolState[] {
    const tools = mustState(this.#turn.live).turn?.tools ?? [];
    return tools.filter(({ caller }) => caller?.program === this.#run.state.callId);
  }

  async #startSome(open: readonly ToolState[]): Promise<boolean> {
    const { turn } = mustState(this.#turn.live);
    const { running } = this.#agent;
    const ready = open.filter(
      one => !running.has(one.callId) && (one.status === 'started' || (turn !== null && canRun(turn, one))),
    );
    const some = ready.slice(0, this.#engine.tools.limits.atOnce - this.#running.size);
    if (some.length === 0) return false;
    for (const work of await this.#run.start(some)) {
      const watched = work
        .catch((error: unknown) => void this.#failures.push(error))
        .finally(() => {
          this.#running.delete(watched);
          for (const wake of this.#agent.waiters) wake();
        });
      this.#running.add(watched);
    }
    return true;
  }

  async #finish(end: ProgramEnd): Promise<void> {
    const { state } = this.#run;
    const most = this.#engine.tools.limits.outputChars;
    const body = end.ok ? completedTool(state, { ok: true, output: end.output }, most) : failedTool(state, end, most);
    killPoint('tool.before-complete');
    await this.#engine.sessions.commit(this.#turn.live, [body], { actor: 'engine' });
    killPoint('tool.after-complete');
  }

  /** False if one of its calls has ended meanwhile. */
  async #suspend(): Promise<boolean> {
    const { live } = this.#turn;
    const { callId } = this.#run.state;
    const known = this.#journal.open.length;
    killPoint('program.before-suspend');
    try {
      await this.#engine.sessions.commit(
        live,
        () => {
          const now = this.#open().length;
          if (now === 0 || now !== known) throw NEWS;
          return [{ type: 'tool.suspended', head: { callId }, payload: null }];
        },
        { actor: 'engine' },
      );
      return true;
    } catch (error) {
      if (error !== NEWS) throw error;
      return false;
    }
  }

  /** Resolves once something was committed to the session, or the turn is told to stop. */
  #changed(): { readonly happened: Promise<void>; forget(): void } {
    const { waiters } = this.#agent;
    const { signal } = this.#turn.abort;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    waiters.add(wake);
    if (signal.aborted) wake();
    signal.addEventListener('abort', wake, { once: true });
    return {
      happened: promise,
      forget() {
        waiters.delete(wake);
        signal.removeEventListener('abort', wake);
      },
    };
  }
}

const NEWS = new Error('a call has ended');
