/**
 * A session whose agents make others, tell, await, interrupt, close and resume them, while whoever drives it talks and cancels, the scheduler wakes
 * and processes die: in any order, until all has come to rest.
 */
import type { SessionId } from '../../kernel/ids.ts';
import type { Step } from '../../log/steps.ts';
import { goesOn, type SessionState } from '../../session/state.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { storeError } from '../../store/store-error.ts';
import { DyingStore } from '../crash.test-support.ts';
import type { Engine } from '../engine.ts';
import type { Append, ProviderCall, Release } from '../ports.ts';
import { END, failure, message } from '../scripted-provider.test-support.ts';
import { desk, session, TestTools } from '../tools/agent-world.test-support.ts';
import { say } from '../tools/async-world.test-support.ts';
import { ACME, type Booted, LIMITS, World } from '../world.test-support.ts';
import { idsIn, outputsOf } from './family.test-support.ts';
import { subagentId } from './ids.ts';

/** What an agent does with another one. `which`: of all in the family, so that some are not its own. */
export type Act =
  | { readonly tool: 'create' | 'wait for all' | 'work' }
  | { readonly tool: 'tell' | 'wait' | 'interrupt' | 'close' | 'resume'; readonly which: number };

/** What the model says when it is asked: whichever agent asks it next. */
export type Move =
  | { readonly do: 'act'; readonly acts: readonly Act[] }
  | { readonly do: 'end' }
  | { readonly do: 'fail' };

export type Event =
  | { readonly do: 'pass'; readonly turns: number }
  | { readonly do: 'say' | 'cancel' | 'wake' }
  /** After that many writes. `recovers`: whether the next process looks for what was left, or leaves it to those who ask. */
  | { readonly do: 'die'; readonly writes: number; readonly recovers: boolean };

export interface Setting {
  /** After the last of them every call ends its turn. */
  readonly moves: readonly Move[];
  /** Turns of the event loop that calls and writes take, in a circle. */
  readonly delays: readonly number[];
}

export const OPEN_AT_ONCE = 4;
const AGENT = { agent: { model: 'gpt', multi_agent: { enabled: true, max_concurrent_subagents: OPEN_AT_ONCE } } };
/** How long all may take to come to rest, ms. */
const PATIENCE_MS = 5_000;

/** Turns of the event loop that a write is waited for. */
const MOST_TURNS = 60;
const DEAD = storeError('store_unavailable', 'the process is dead');

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
}

export class FamilyPlay {
  readonly world: World = new World({ limits: { turnAttempts: 20 } });
  readonly id: string;
  /** Messages of whoever drives it that were acknowledged by a process that lived. */
  readonly taken: string[] = [];
  readonly #setting: Setting;
  readonly #pending: Promise<unknown>[] = [];
  #dying: DyingStore = new DyingStore(null);
  #booted: Booted;
  #move = 0;
  #at = 0;
  /** Of the process that runs. */
  #writesLeft = Number.POSITIVE_INFINITY;
  /** No two texts, and no two calls, are the same. */
  #said = 0;

  private constructor(setting: Setting) {
    this.#setting = setting;
    this.world.provider.follow(call => this.#speak(call));
    this.#booted = this.#boot();
    this.id = '';
  }

  static async begin(setting: Setting): Promise<FamilyPlay> {
    const play = new FamilyPlay(setting);
    return Object.assign(play, { id: await session(play.engine, AGENT) });
  }

  get engine(): Engine {
    return this.#booted.engine;
  }

  get reported(): Booted['reported'] {
    return this.#booted.reported;
  }

  async take(event: Event): Promise<void> {
    switch (event.do) {
      case 'pass':
        return turns(event.turns);
      case 'say':
        return this.#say(`u${this.#said++}`);
      case 'cancel':
        return this.#beside(
          this.engine.agentSessions.post(ACME, this.id, [{ type: 'agent.session.input.cancel' }], null),
        );
      case 'wake':
        return this.#beside(this.#wake());
      case 'die':
        return this.#die(event);
    }
  }

  /** No time passes: what waits is found by what happens, not by the time until which it waits at most. */
  async rest(): Promise<void> {
    await this.engine.recover();
    await this.#rests();
    // What was said before somebody cancelled waits for him.
    this.#say(`u${this.#said++}`);
    await this.#rests();
  }

  states(): readonly SessionState[] {
    return [...this.world.data.values()].flatMap(({ sessions }) =>
      [...sessions.values()].flatMap(({ row }) => (row.state === null ? [] : [JSON.parse(row.state) as SessionState])),
    );
  }

  async #rests(): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      await Promise.all(this.#pending);
      await this.#wake();
      if (this.engine.busy === 0 && !this.states().some(goesOn)) return;
      if (performance.now() > until) {
        const open = this.states().filter(goesOn);
        throw new Error(`never came to rest: ${open.map(({ session: id, phase }) => `${id} ${phase}`).join(', ')}`);
      }
      await turns(3);
    }
  }

  #say(text: string): void {
    const dying = this.#dying;
    this.#beside(
      say({ engine: this.engine, id: this.id }, text).then(() => void (dying.dead || this.taken.push(text))),
    );
  }

  #beside(work: Promise<unknown>): void {
    this.#pending.push(work.catch(() => undefined));
  }

  async #wake(): Promise<void> {
    const booted = this.#booted;
    for (const store of booted.stores)
      for (const row of await store.due(this.world.clock.now(), 100)) await booted.wake(row);
  }

  async #die({ writes, recovers }: Extract<Event, { do: 'die' }>): Promise<void> {
    const { engine } = this.#booted;
    const dying = this.#dying;
    this.#writesLeft = writes;
    // There may be nothing left to write.
    for (let i = 0; i < MOST_TURNS && !dying.dead; i++) await turns(1);
    this.#writesLeft = Number.POSITIVE_INFINITY;
    dying.dead = true;
    void engine.drain(0);
    this.world.pass(LIMITS.leaseMs + 1);
    this.#booted = this.#boot();
    if (recovers) this.#beside(this.engine.recover());
  }

  #boot(): Booted {
    const dying = new DyingStore(null);
    this.#dying = dying;
    const wrap = (store: HomeStore): HomeStore => dying.wrap(this.#slow(dying, store));
    return this.world.boot({ tools: desk(new TestTools()), wrap });
  }

  /** A store that takes its time, so that everything else gets in between. A dead process gives no sign of life. */
  #slow(dying: DyingStore, store: HomeStore): HomeStore {
    const slow =
      <In, Out>(work: (input: In) => Promise<Out>) =>
      async (input: In): Promise<Out> => {
        await turns(this.#delay());
        // What a process had not written when it died is never written: another one has read the log since.
        if (dying.dead) throw DEAD;
        const result = await work(input);
        this.#writesLeft -= 1;
        if (this.#writesLeft <= 0) dying.dead = true;
        if (dying.dead) throw DEAD;
        await turns(this.#delay());
        return result;
      };
    return {
      ...store,
      append: slow((one: Append) => store.append(one)),
      release: slow((one: Release) => store.release(one)),
      renew: (owner, ttlMs) => (dying.dead ? Promise.reject(DEAD) : store.renew(owner, ttlMs)),
    };
  }

  #delay(): number {
    const { delays } = this.#setting;
    return delays[this.#at++ % delays.length] ?? 0;
  }

  async *#speak(call: ProviderCall): AsyncGenerator<readonly Step[]> {
    const dying = this.#dying;
    await turns(this.#delay());
    if (call.signal.aborted || dying.dead) throw failure('aborted');
    const move = this.#setting.moves[this.#move++] ?? { do: 'end' };
    if (move.do === 'fail') throw failure('upstream_rejected');
    const steps = move.do === 'end' ? message('Done.') : move.acts.flatMap((act, i) => this.#callOf(call, act, i));
    for (const step of [...steps, END]) {
      yield [step];
      if (call.signal.aborted || dying.dead) throw failure('aborted');
    }
  }

  #callOf(call: ProviderCall, act: Act, index: number): readonly Step[] {
    const n = this.#said++;
    const [name, args] = this.#argumentsOf(call, act, n);
    return [
      { type: 'item', index, item: { type: 'function_call', callId: `call_${n}`, name } },
      { type: 'delta', index, part: 0, text: JSON.stringify(args) },
      { type: 'item_done', index },
    ];
  }

  #argumentsOf(call: ProviderCall, act: Act, n: number): readonly [string, object] {
    switch (act.tool) {
      case 'create':
        return ['create_subagent', { task: `t${n}` }];
      case 'work':
        return ['safe', {}];
      case 'wait for all':
        return ['wait_for_subagents', { agent_ids: idsIn(outputsOf(call)) }];
      case 'wait':
        return ['wait_for_subagents', { agent_ids: [this.#named(act.which)] }];
      case 'tell':
        return ['send_subagent_input', { agent_id: this.#named(act.which), input: `m${n}` }];
      case 'interrupt':
      case 'close':
      case 'resume':
        return [`${act.tool}_subagent`, { agent_id: this.#named(act.which) }];
    }
  }

  #named(which: number): string {
    const all = this.states().find(state => state.session === (this.id as SessionId))?.subagents?.all ?? [];
    const one = all[which % Math.max(1, all.length)];
    return one === undefined ? 'subagent_none' : subagentId(one.session);
  }
}
