/**
 * One data folder from its first start through many kills to its end, when everything that any client was ever told is read back once more and
 * the log is read as it lies.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readBack } from './checks/over-http.ts';
import { checkAllSealed, checkLedger } from './checks/in-ledger.ts';
import { checkLog } from './checks/in-log.ts';
import type { Kill, KillPlan } from './kill-plan.ts';
import { agentClients } from './load/agent.ts';
import type { Sort } from './load/agent-kinds.ts';
import { EFFECTS_FILE } from './load/agent-effects.ts';
import { chainClient } from './load/chain.ts';
import { backgroundClient } from './load/background.ts';
import { type Client, runClient } from './load/client.ts';
import { conversationClient } from './load/conversation.ts';
import { AnswerLate, ConnectionCut, type Endpoint } from './load/http.ts';
import { Ledger } from './load/ledger.ts';
import { Stage } from './load/stage.ts';
import { statelessClient } from './load/stateless.ts';
import { type Load, pause } from './load/turns.ts';
import type { Random } from './random.ts';
import { type Listening, type ServerOptions, ServerProcess, type Started } from './server-process.ts';
import { cutPower, watch, type Watched } from './shim/power-cut.ts';
import { addAgents, addLoss, addTools, FULL_FLIGHT, type Tally } from './tally.ts';
import type { Upstream } from './upstream.ts';
import type { Violations } from './violations.ts';

export interface GenerationOptions {
  readonly folder: string;
  readonly config: string;
  readonly upstream: Upstream;
  readonly random: Random;
  readonly violations: Violations;
  readonly tally: Tally;
  readonly plan: KillPlan;
  readonly kills: number;
  /** The shim's library; null to go without. */
  readonly shim: string | null;
  /** Share of the lives that run under the shim. */
  readonly shimShare: number;
  readonly preload: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** A second server is let loose on the same folder in every life: only with a planted defect. */
  readonly twin: boolean;
  /** Called after every kill; true ends the generation early. */
  readonly onKill: () => boolean;
}

/** ms in which a named point must be reached once the load runs. */
const POINT_MS = 4000;
/** On a machine that is busy with other things it is given as long as so many starts of the server take. */
const POINT_STARTS = 2;
/** ms in which the clients must come to their end once nobody kills the server any more. */
const END_MS = 120_000;
/** ms in which what the last life left must be checked before a kill at a random time. */
const CHECK_MS = 6000;
/** Of so many lives one is of the shipped command; the others are warmed up ahead. */
const COMMAND_EVERY = 10;
/** Of so many lives the ledger is verified after one, if it was not under the shim. */
const VERIFIED_EVERY = 3;
/** ms that a twin has to do harm. */
const TWIN_MS = 1200;

export async function runGeneration(options: GenerationOptions): Promise<void> {
  const generation = new Generation(options);
  await generation.run();
}

interface Life {
  readonly options: ServerOptions;
  readonly server: ServerProcess | null;
  readonly kill: Kill | null;
  readonly watched: Watched | null;
}

class Generation {
  readonly #options: GenerationOptions;
  readonly #ledger = new Ledger();
  readonly #stage = new Stage();
  readonly #data: string;
  /** What the tools of the servers do, a line each: no crash of a server touches it. */
  readonly #effects: string;
  readonly #starts: Listening[] = [];
  #lives = 0;
  #upstreamRequests = 0;

  constructor(options: GenerationOptions) {
    this.#options = options;
    this.#data = join(options.folder, 'data');
    mkdirSync(this.#data, { recursive: true });
    this.#effects = join(options.folder, 'effects.jsonl');
    writeFileSync(this.#effects, '');
  }

  async run(): Promise<void> {
    const { kills, onKill, violations, random, tally } = this.#options;
    const load: Load = {
      stage: this.#stage,
      ledger: this.#ledger,
      violations,
      random,
      mayBeFull: false,
      refusedFull: 0,
    };
    const { preload, env } = this.#options;
    const sound = preload.length === 0 && env['PERDURE_UNSAFE_SYNCHRONOUS'] === undefined;
    const clients = [...clientsOf(load, sound), ...agentsOf(load)].map(client => runClient(load, client));
    let life: Life | null = this.#prepare(true);
    try {
      for (let left = kills; life !== null && left > 0; left--) {
        life = await this.#live(life, left > 1);
        if (onKill()) break;
      }
      await life?.server?.kill();
      await this.#end(clients);
    } finally {
      this.#stage.close();
      await life?.server?.kill();
      await Promise.all(clients);
      this.#count(tally);
    }
  }

  /** Decides on the next life, and has it loaded ahead; it touches nothing before it is told to go. */
  #prepare(mortal: boolean): Life {
    const { plan, config, preload, env, random, shim, shimShare, folder } = this.#options;
    this.#lives += 1;
    const kill = mortal ? plan.next() : null;
    const watched =
      mortal && shim !== null && random.chance(shimShare)
        ? watch(shim, this.#data, folder, `life-${this.#lives}`)
        : null;
    const options: ServerOptions = {
      config,
      data: this.#data,
      killPoint: kill?.type === 'point' ? `${kill.point}:${kill.nth}` : null,
      program: this.#lives % COMMAND_EVERY === 0 ? 'command' : 'warm',
      preload,
      env: { ...env, [EFFECTS_FILE]: this.#effects, ...watched?.env },
    };
    // What is shipped starts by itself: only when its time has come.
    return { options, server: options.program === 'warm' ? new ServerProcess(options) : null, kill, watched };
  }

  /** One life, from its start to the kill. @returns the next one, if there is to be any */
  async #live(life: Life, more: boolean): Promise<Life | null> {
    const { tally, upstream } = this.#options;
    const { kill, watched } = life;
    const server = life.server ?? new ServerProcess(life.options);
    await server.loaded();
    // Half of the lives are used before they say that they are ready: recovery is at work then.
    const early = this.#options.random.chance(0.5);
    const started = await server.go(endpoint => early && this.#stage.open(endpoint));
    if (server.listening !== null) this.#starts.push(server.listening);
    const next = more ? this.#prepare(true) : null;
    let byPoint = kill?.type === 'point';
    if (started !== null) {
      this.#started(started);
      byPoint = await this.#serve(server, kill, started);
    }
    const { signal, code } = await server.exited;
    this.#stage.lost();
    if (signal !== 'SIGKILL' || (started === null && !byPoint))
      throw new Error(`the server ended by itself (${code ?? signal}): ${server.stderr}`);
    this.#countKill(kill, byPoint);
    if (watched !== null) this.#cutPower(watched);
    else if (this.#lives % VERIFIED_EVERY === 0) await this.#verifyLedger();
    this.#upstreamRequests += await upstream.newRequests();
    tally.kills += 1;
    return next;
  }

  #countKill(kill: Kill | null, byPoint: boolean): void {
    const { tally, plan } = this.#options;
    const inFlight = this.#ledger.inFlight;
    tally.inFlight.push(inFlight);
    if (inFlight >= FULL_FLIGHT) tally.inFullFlight += 1;
    if (kill?.type !== 'point') tally.atRandom += 1;
    else if (byPoint) tally.points.set(kill.point, (tally.points.get(kill.point) ?? 0) + 1);
    else {
      tally.missed += 1;
      plan.missed(kill);
    }
  }

  #cutPower(watched: Watched): void {
    const { random, tally } = this.#options;
    // Mostly all that was not synced is gone; now and then the disk had got through a part of it.
    const loss = cutPower(watched, random.chance(0.25) ? unsynced => random.between(0, unsynced) : undefined);
    tally.underShim += 1;
    addLoss(tally, loss);
  }

  /** As the kill left it. The shim knows nothing of its files: what lost writes may do to them is not what is tested here. */
  async #verifyLedger(): Promise<void> {
    const { tally, violations } = this.#options;
    const begun = performance.now();
    await checkLedger(this.#data, violations);
    tally.ledgersVerified += 1;
    tally.ledgerMs += performance.now() - begun;
  }

  #started(started: Started): void {
    const { tally } = this.#options;
    tally.listening.push(started.listeningAt - started.startedAt);
    tally.ready.push(started.readyAt - started.startedAt);
  }

  /** Load and checks until the server is dead. @returns whether it died at its named point */
  async #serve(server: ServerProcess, kill: Kill | null, started: Started): Promise<boolean> {
    const { endpoint, startedAt, readyAt } = started;
    this.#stage.open(endpoint);
    const checks = this.#check(endpoint);
    if (this.#options.twin) await this.#withTwin();
    if (kill?.type === 'point') {
      await Promise.race([server.exited, pause(Math.max(POINT_MS, POINT_STARTS * (readyAt - startedAt)))]);
    } else {
      await Promise.race([checks, pause(CHECK_MS)]);
      await pause(kill?.afterMs ?? 0);
    }
    const byPoint = server.dead;
    await server.kill();
    await checks;
    return byPoint;
  }

  /** Reads back what was acknowledged or ended before, until all of it is. Ends with the server. */
  async #check(endpoint: Endpoint): Promise<void> {
    const { violations, tally } = this.#options;
    const due = [...this.#ledger.unchecked].filter(turn => turn.id !== null);
    try {
      for (let left = due; left.length > 0; left = left.filter(turn => this.#ledger.unchecked.has(turn))) {
        await readBack({ endpoint, violations }, this.#ledger, left, () => void (tally.readBack += 1));
        await pause(10);
      }
    } catch (error) {
      if (error instanceof ConnectionCut) return;
      if (!(error instanceof AnswerLate)) throw error;
      violations.add('liveness', 'a read did not come to its end', error.message);
    }
  }

  async #withTwin(): Promise<void> {
    const { config, preload, env } = this.#options;
    await pause(TWIN_MS / 4);
    const server = new ServerProcess({ config, data: this.#data, killPoint: null, program: 'warm', preload, env });
    await server.loaded();
    await server.go();
    await pause(TWIN_MS);
    await server.kill();
  }

  /** The last life: nobody kills it. All is brought to its end, read back whole, and the server drained. */
  async #end(clients: readonly Promise<void>[]): Promise<void> {
    const { violations, tally } = this.#options;
    const { options, server: warm } = this.#prepare(false);
    const server = warm ?? new ServerProcess(options);
    await server.loaded();
    const started = await server.go();
    if (started === null) throw new Error(`the server did not start again: ${server.stderr}`);
    this.#starts.push(started);
    this.#started(started);
    this.#stage.rest();
    this.#stage.open(started.endpoint);
    const late = delay(END_MS, 'late' as const, { ref: false });
    if ((await Promise.race([Promise.all(clients), late])) === 'late') {
      violations.add('liveness', 'a client did not come to its end', `waited ${END_MS} ms`);
      return server.kill();
    }
    const all = this.#ledger.turns.filter(turn => turn.id !== null);
    await readBack({ endpoint: started.endpoint, violations }, this.#ledger, all, () => void (tally.readBack += 1));
    const code = await server.end();
    if (code !== 0)
      violations.add('liveness', 'the server did not drain', `exit ${code ?? 'by a signal'}: ${server.stderr}`);
    this.#stage.lost();
    this.#upstreamRequests += await this.#options.upstream.newRequests();
    const file = join(this.#data, 'local.db');
    const effects = readFileSync(this.#effects, 'utf8');
    const claims = { ledger: this.#ledger, upstreamRequests: this.#upstreamRequests, effects };
    const log = checkLog(file, claims, violations);
    addTools(tally, log.tools);
    tally.events += log.events;
    tally.placed += log.placed;
    tally.sealed += await checkAllSealed(this.#data, violations);
    for (const at of log.resumed) {
      const start = this.#starts.findLast(({ startedAt }) => startedAt <= at);
      if (start !== undefined) tally.resumed.push(Math.max(0, at - start.listeningAt));
    }
  }

  #count(tally: Tally): void {
    const { turns, stateless, recalled, failures, agents } = this.#ledger;
    tally.generations += 1;
    tally.turns += turns.length;
    tally.acknowledged += turns.filter(({ id }) => id !== null).length;
    tally.stateless += stateless.length;
    tally.recalled += recalled;
    tally.upstreamRequests += this.#upstreamRequests;
    addAgents(tally, agents);
    for (const [code, count] of failures) tally.failures.set(code, (tally.failures.get(code) ?? 0) + count);
  }
}

/** Thirteen with stored turns, so that eight are in flight at nearly any time, and three of which nothing is kept. */
// With a planted defect no response runs in the background: a cancel would wait for what was only said to be written, and the life would not end.
export function clientsOf(load: Load, background = true): readonly Client[] {
  return [
    chainClient(load, 'stream-1', { stream: 'always' }),
    chainClient(load, 'stream-2', { stream: 'always' }),
    chainClient(load, 'json-1', { stream: 'never' }),
    chainClient(load, 'fork-1', { stream: 'mixed', forks: true }),
    chainClient(load, 'keyed-1', { stream: 'always', keyed: true }),
    chainClient(load, 'keyed-3', { stream: 'never', keyed: true }),
    chainClient(load, 'keyed-tool', { stream: 'mixed', keyed: true, tools: true }),
    chainClient(load, 'tool-1', { stream: 'always', tools: true }),
    chainClient(load, 'tool-2', { stream: 'mixed', tools: true }),
    conversationClient(load, 'conv-1'),
    conversationClient(load, 'conv-2'),
    ...(background ? [backgroundClient(load, 'background-1'), backgroundClient(load, 'background-2')] : []),
    statelessClient(load, 'stateless-1', 'responses'),
    statelessClient(load, 'stateless-2', 'responses'),
    statelessClient(load, 'chat-1', 'chat'),
  ];
}

/** Each drives sessions one after another, and follows their events on a connection of its own. */
const AGENTS: readonly Sort[] = ['plain', 'plain', 'plain', 'programs', 'programs', 'reviewed', 'family', 'family'];

function agentsOf(load: Load): readonly Client[] {
  return AGENTS.flatMap((sort, index) => agentClients(load, `agent-${index + 1}`, sort));
}
