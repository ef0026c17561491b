/** One life of the server: started, waited for, killed or ended, and what it said. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Endpoint, send } from './load/http.ts';

export interface ServerOptions {
  readonly config: string;
  readonly data: string;
  /** `name` or `name:N`; null to be killed from outside. */
  readonly killPoint: string | null;
  /** `warm`: loaded ahead, and started by `go`. `command`: `perdure up`, as it is shipped. */
  readonly program: 'warm' | 'command';
  /** Modules to load before it: planted defects. */
  readonly preload: readonly string[];
  readonly env: { readonly [name: string]: string };
}

/** ms since 1970. */
export interface Listening {
  readonly startedAt: number;
  readonly listeningAt: number;
}

export interface Started extends Listening {
  readonly endpoint: Endpoint;
  readonly readyAt: number;
}

const REPO = join(import.meta.dirname, '../..');
const COMMAND = join(REPO, 'packages/server/bin/perdure.mjs');
const SERVE = join(import.meta.dirname, 'serve.ts');
/** ms for a start; far above what one takes on a busy machine. */
const START_MS = 60_000;
const STDERR_CHARS = 4000;

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #options: ServerOptions;
  readonly #lines: AsyncIterator<string>;
  readonly exited: Promise<{ readonly signal: string | null; readonly code: number | null; readonly at: number }>;
  #stderr = '';
  #dead = false;
  #listening: Listening | null = null;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 });

  constructor(options: ServerOptions) {
    const { config, data, program, preload, killPoint, env } = options;
    this.#options = options;
    const flags = preload.flatMap(module => ['--import', module]);
    const args =
      program === 'warm'
        ? [...flags, SERVE, config, data]
        : [...flags, COMMAND, 'up', '--config', config, '--data', data, '--port', '0', '--json'];
    this.#child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env, ...(killPoint !== null && { PERDURE_KILL_POINT: killPoint }) },
    });
    const { stdout, stderr, stdin } = this.#child;
    if (stdout === null || stderr === null || stdin === null) throw new Error('the server has no pipes');
    stdin.on('error', () => undefined);
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS);
    });
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.exited = once(this.#child, 'exit').then(([code, signal]) => {
      this.#dead = true;
      this.#agent.destroy();
      return { code: code as number | null, signal: signal as string | null, at: Date.now() };
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Since when it has listened, also if it died before it was ready. */
  get listening(): Listening | null {
    return this.#listening;
  }

  /** Loaded and waiting for `go`; a command has nothing to wait for. */
  async loaded(): Promise<void> {
    if (this.#options.program === 'warm') await this.#line();
  }

  /**
   * Lets it start, and waits until it is ready. Null if it died on the way.
   * @param onListening called as soon as it takes connections: recovery is still at work then
   */
  async go(onListening: (endpoint: Endpoint) => void = () => undefined): Promise<Started | null> {
    const startedAt = Date.now();
    if (this.#options.program === 'warm') this.#child.stdin?.write('go\n');
    const line = await this.#line();
    if (line === null) return null;
    const listeningAt = Date.now();
    this.#listening = { startedAt, listeningAt };
    const { url } = JSON.parse(line) as { url: string };
    const endpoint = { url, agent: this.#agent };
    onListening(endpoint);
    while (!this.#dead && Date.now() < startedAt + START_MS) {
      const ready = await send(endpoint, { method: 'GET', path: '/readyz' }).catch(() => null);
      if (ready?.status === 200) return { endpoint, startedAt, listeningAt, readyAt: Date.now() };
      if (ready === null && (await this.#diesSoon())) return null;
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    if (this.#dead) return null;
    throw new Error(`the server did not become ready: ${this.#stderr}`);
  }

  async #diesSoon(): Promise<boolean> {
    await Promise.race([this.exited, new Promise(resolve => setTimeout(resolve, 200))]);
    return this.#dead;
  }

  async #line(): Promise<string | null> {
    const next = this.#lines.next().then(({ value, done }) => (done === true ? null : value));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the server said nothing: ${this.#stderr}`)), START_MS);
    });
    return Promise.race([next, late]).finally(() => clearTimeout(timer));
  }

  /** SIGKILL, at once. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** SIGTERM, and waits for its end. @returns its exit code */
  async end(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return (await this.exited).code;
  }
}
