/**
 * One response, and everything that may happen around it in any order: the upstream speaks and breaks off, readers come, leave and come back,
 * somebody cancels, the process dies and another takes over. What each of them was shown and told is kept, to be held against the log.
 */
import type { ResponseResource } from '@perdure/protocol';
import type { Step } from '../log/steps.ts';
import type { HomeStore } from '../store/home-store.ts';
import type { WireEvent } from '../session/output.ts';
import { storeError } from '../store/store-error.ts';
import { DyingStore } from './crash.test-support.ts';
import type { Engine } from './engine.ts';
import type { Append, ProviderCall, Release } from './ports.ts';
import { takeAll } from './reading.ts';
import { END, failure } from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, LIMITS, until, World } from './world.test-support.ts';

export type Action =
  | { readonly do: 'say'; readonly steps: number }
  | { readonly do: 'break off' }
  /** `from`: how much of what was shown so far the reader says that it knows, in percent; above 100 it asks for what is still to come. */
  | { readonly do: 'join'; readonly from: number }
  | { readonly do: 'leave'; readonly reader: number }
  | { readonly do: 'come back'; readonly reader: number }
  | { readonly do: 'cancel' }
  | { readonly do: 'poll' }
  /** `recovers`: whether the next process looks for what was left, or leaves it to those who ask. */
  | { readonly do: 'die'; readonly recovers: boolean }
  | { readonly do: 'wait'; readonly turns: number };

export interface Setting {
  readonly background: boolean;
  readonly stream: boolean;
  /** What each call of the upstream says; all after the last say the last. */
  readonly calls: readonly (readonly Step[])[];
  /** Turns of the event loop that a write takes before and after it is done, in a circle. */
  readonly delays: readonly number[];
}

const LEFT = new Error('left');

/** What one reader was shown, over all its connections. */
export class Client {
  readonly from: number;
  readonly shown: string[] = [];
  #leaving = new AbortController();
  #flows = false;
  connected = false;

  constructor(from: number) {
    this.from = from;
  }

  /** Reads until the end, or until it leaves. What was sent to a client that has left is not shown to it. */
  async read(engine: Engine, id: string): Promise<void> {
    const leaving = new AbortController();
    this.#leaving = leaving;
    this.connected = true;
    try {
      const { signal } = leaving;
      const take = (batch: readonly WireEvent[]): Promise<void> | undefined => {
        if (signal.aborted) throw LEFT;
        this.shown.push(...batch.map(({ json }) => json));
        const behind = this.shown.length % 3;
        return behind === 0 ? undefined : turns(behind);
      };
      const events = await engine.stream(ACME, id, this.from + this.shown.length, signal);
      // Both ways of reading, one after the other.
      this.#flows = !this.#flows;
      if (this.#flows) await takeAll(events, take);
      else for await (const batch of events) await take(batch);
    } catch {
      // Its connection broke: it may come back.
    } finally {
      if (this.#leaving === leaving) this.connected = false;
    }
  }

  leave(): void {
    this.#leaving.abort();
    this.connected = false;
  }
}

/** The upstream: it says a step when it is told to. */
class Mouth {
  #left = 0;
  #waiting: { go(): void; fail(error: Error): void } | null = null;
  readonly #calls: Setting['calls'];

  constructor(calls: Setting['calls']) {
    this.#calls = calls;
  }

  say(steps: number): void {
    this.#left += steps;
    this.#go();
  }

  breakOff(error: Error = failure('upstream_interrupted')): void {
    this.#waiting?.fail(error);
    this.#waiting = null;
  }

  async *speak({ signal }: ProviderCall, n: number): AsyncGenerator<readonly Step[]> {
    for (const step of [...(this.#calls[Math.min(n, this.#calls.length) - 1] ?? []), END]) {
      await this.#told(signal);
      yield [step];
    }
  }

  #told(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { go: resolve, fail: reject };
      signal.addEventListener('abort', () => reject(failure('aborted')), { once: true });
      this.#go();
    });
  }

  #go(): void {
    if (this.#waiting === null || this.#left === 0) return;
    this.#left -= 1;
    this.#waiting.go();
    this.#waiting = null;
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
}

export class Scene {
  readonly world: World = new World({ limits: { turnAttempts: 20, resumeMs: 10_000 } });
  readonly clients: Client[] = [];
  /** What those who cancelled were told. */
  readonly told: ResponseResource[] = [];
  /** What those who looked saw, in order. */
  readonly polled: ResponseResource[] = [];
  readonly id: string;
  readonly #mouth: Mouth;
  readonly #setting: Setting;
  #dying: DyingStore = new DyingStore(null);
  #booted: Booted;
  #at = 0;
  readonly #pending: Promise<unknown>[] = [];

  private constructor(setting: Setting) {
    this.#setting = setting;
    this.#mouth = new Mouth(setting.calls);
    this.world.provider.follow((call, n) => this.#mouth.speak(call, n));
    this.#booted = this.#boot();
    this.id = '';
  }

  static async begin(setting: Setting): Promise<Scene> {
    const scene = new Scene(setting);
    const { background, stream } = setting;
    const response = await ask(scene.engine, { background, stream });
    response.done.catch(() => undefined);
    return Object.assign(scene, { id: response.id });
  }

  get engine(): Engine {
    return this.#booted.engine;
  }

  get store(): HomeStore {
    const [store] = this.#booted.stores;
    if (store === undefined) throw new Error('no store');
    return store;
  }

  #boot(): Booted {
    const dying = new DyingStore(null);
    this.#dying = dying;
    // A dead process gives no sign of life.
    const mortal = (store: HomeStore): HomeStore => ({
      ...store,
      renew: (owner, ttlMs) =>
        dying.dead ? Promise.reject(storeError('store_unavailable', 'the process is dead')) : store.renew(owner, ttlMs),
    });
    return this.world.boot({ wrap: store => dying.wrap(this.#slow(mortal(store))) });
  }

  /** A store that takes its time, so that everything else gets in between. */
  #slow(store: HomeStore): HomeStore {
    const { delays } = this.#setting;
    const delay = (): Promise<void> => turns(delays[this.#at++ % delays.length] ?? 0);
    const slow =
      <In, Out>(work: (input: In) => Promise<Out>) =>
      async (input: In): Promise<Out> => {
        await delay();
        const result = await work(input);
        await delay();
        return result;
      };
    return {
      ...store,
      append: slow((one: Append) => store.append(one)),
      release: slow((one: Release) => store.release(one)),
    };
  }

  async act(action: Action): Promise<void> {
    switch (action.do) {
      case 'say':
        return this.#mouth.say(action.steps);
      case 'break off':
        return this.#mouth.breakOff();
      case 'join': {
        const most = Math.max(0, ...this.clients.map(client => client.from + 1 + client.shown.length));
        const client = new Client(Math.floor((most * action.from) / 100) - 1);
        this.clients.push(client);
        return this.#read(client);
      }
      case 'leave':
        return this.clients[action.reader % Math.max(1, this.clients.length)]?.leave();
      case 'come back': {
        const client = this.clients[action.reader % Math.max(1, this.clients.length)];
        return client === undefined || client.connected ? undefined : this.#read(client);
      }
      case 'cancel':
        return this.#beside(this.engine.cancelResponse(ACME, this.id), resource => this.told.push(resource));
      case 'poll':
        return this.#beside(this.engine.response(ACME, this.id), resource => this.polled.push(resource));
      case 'die':
        return this.#die(action.recovers);
      case 'wait':
        return turns(action.turns);
    }
  }

  #read(client: Client): void {
    this.#pending.push(client.read(this.engine, this.id));
  }

  /** What comes of it counts only if its process was alive to say so. */
  #beside<T>(work: Promise<T>, keep: (value: T) => void): void {
    const dying = this.#dying;
    this.#pending.push(
      work.then(
        value => void (dying.dead || keep(value)),
        () => undefined,
      ),
    );
  }

  #die(recovers: boolean): void {
    const { engine } = this.#booted;
    this.#dying.dead = true;
    void engine.drain(0);
    for (const client of this.clients) client.leave();
    this.#mouth.breakOff(failure('aborted'));
    this.world.pass(LIMITS.leaseMs + 1);
    this.#booted = this.#boot();
    if (recovers) this.#pending.push(this.engine.recover().catch(() => undefined));
  }

  /** Everything comes to its end, and every client has read on to the end. */
  async rest(): Promise<void> {
    this.#mouth.say(Number.MAX_SAFE_INTEGER);
    await this.engine.recover();
    for (const client of this.clients) if (!client.connected) this.#read(client);
    await until(() => this.engine.busy === 0, 'the end of the turn');
    await Promise.all(this.#pending);
    // Once more, for who lost its connection meanwhile: it may not be shown anything twice.
    for (const client of this.clients) await client.read(this.engine, this.id);
  }
}
