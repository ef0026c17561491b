/** A whole deployment inside a test: the real server on a free port, a data folder of its own, and the emulated clouds as upstreams. */
import { type Emulator, type EmulatorOptions, type LoggedRequest, startEmulator } from '@perdure/emulator';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { composeServer, type ComposedServer, type ComposeOptions } from '../../packages/server/src/main/compose.ts';
import { parseConfig } from '../../packages/server/src/main/config/load.ts';
import type { FileConfig, FileTarget } from '../../packages/server/src/main/config/file-form.ts';
import { WireCheck } from './wire-check.ts';

/** The model that every target of a stack serves, unless its configuration says otherwise. */
export const MODEL = 'gpt-5.5';
/** Where the emulated clouds are said to be. */
export const CLOUDS: { readonly [cloud: string]: { readonly region: string; readonly jurisdiction: string } } = {
  azure: { region: 'eastus2', jurisdiction: 'us' },
  aws: { region: 'us-east-1', jurisdiction: 'us' },
  'openai-direct': { region: 'us', jurisdiction: 'us' },
};

export interface StackOptions {
  /** Laid over the default: one target a cloud, no contracts, no keys, short deadlines. */
  readonly config?: Partial<FileConfig> | ((emulator: Emulator) => Partial<FileConfig>);
  readonly clouds?: readonly string[];
  readonly emulator?: Omit<EmulatorOptions, 'clouds'>;
  readonly openHome?: ComposeOptions['openHome'];
  readonly automationSessions?: ComposeOptions['automationSessions'];
  readonly workspaces?: ComposeOptions['workspaces'];
}

export interface Stack {
  readonly url: string;
  readonly data: string;
  readonly emulator: Emulator;
  readonly wire: WireCheck;
  /** The engine of the server that runs now. */
  readonly engine: ComposedServer['engine'];
  /** What the server told its operator. */
  readonly notes: readonly string[];
  /** The official client, which tries once; every answer that it gets is checked. */
  openai(key?: string): OpenAI;
  /** One request by hand, checked too. `body` is sent as JSON. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** What the emulated clouds were asked, oldest first. */
  upstream(): Promise<readonly LoggedRequest[]>;
  /** A fault for the calls that match, in the emulator's words (`cut 5`). */
  fault(
    fault: string,
    options?: { readonly cloud?: string; readonly contains?: string; readonly times?: number },
  ): Promise<void>;
  /** Ends every fault and forgets the upstream's log. */
  calm(): Promise<void>;
  /** Ends the server and starts it again on the same data. */
  restart(): Promise<void>;
  /** Ends the server only: the data stays to be looked at. */
  stop(): Promise<void>;
  /** Ends all and removes the data. Throws if anything that was sent broke its schema. */
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly key?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly signal?: AbortSignal;
}

export function targetOf(emulator: Emulator, cloud: string, over: Partial<FileTarget> = {}): FileTarget {
  return {
    id: `${cloud}-1`,
    vendor: 'openai',
    model: MODEL,
    upstream_model: `${MODEL}-emulated`,
    cloud,
    region: CLOUDS[cloud]?.region ?? 'somewhere',
    jurisdiction: CLOUDS[cloud]?.jurisdiction ?? 'us',
    base_url: emulator.baseUrl(cloud),
    prices: { input: 1, cached_input: 0.1, output: 4 },
    ...over,
  };
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { clouds = Object.keys(CLOUDS) } = options;
  const emulator = await startEmulator({ clouds, recordBodies: true, ...options.emulator });
  const data = mkdtempSync(join(tmpdir(), 'perdure-test-'));
  const notes: string[] = [];
  const wire = new WireCheck();
  let server: ComposedServer | null = null;
  const start = async (): Promise<void> => {
    const over = typeof options.config === 'function' ? options.config(emulator) : (options.config ?? {});
    const file: FileConfig = {
      listen: { host: '127.0.0.1', port: 0 },
      data,
      targets: clouds.map(cloud => targetOf(emulator, cloud)),
      ...over,
      // Low, so that a test of a deadline takes no longer than it must; high enough for a busy machine.
      limits: { drain_ms: 1_000, ...over.limits },
    };
    // JSON is YAML: the configuration goes through its real reader.
    const { config } = parseConfig(JSON.stringify(file), { file: 'test.yaml', env: {}, base: data });
    const { openHome, automationSessions, workspaces } = options;
    const hooks = {
      ...(openHome !== undefined && { openHome }),
      ...(automationSessions !== undefined && { automationSessions }),
      ...(workspaces !== undefined && { workspaces }),
    };
    server = await composeServer(config, { log: line => notes.push(line), ...hooks });
    await server.recovered;
  };
  const stop = async (): Promise<void> => {
    await server?.close();
    server = null;
  };
  const remove = async (): Promise<void> => {
    await emulator.close();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  const url = (): string => {
    if (server === null) throw new Error('the server of this stack was stopped');
    return server.url;
  };
  const control = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${emulator.url}/_emulator/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  return {
    get url() {
      return url();
    },
    get engine() {
      if (server === null) throw new Error('the server of this stack was stopped');
      return server.engine;
    },
    data,
    emulator,
    wire,
    notes,
    openai: (key = 'local') => new OpenAI({ baseURL: `${url()}/v1`, apiKey: key, maxRetries: 0, fetch: wire.fetch }),
    request(method, path, { body, key, headers, signal } = {}) {
      return wire.fetch(`${url()}${path}`, {
        method,
        headers: {
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(signal !== undefined && { signal }),
      });
    },
    async upstream() {
      const log = (await (await control('GET', 'log')).json()) as { requests: readonly LoggedRequest[] };
      return log.requests;
    },
    async fault(fault, { cloud, contains, times } = {}) {
      const match = { ...(cloud !== undefined && { cloud }), ...(contains !== undefined && { contains }) };
      const made = await control('POST', 'faults', { match, fault, ...(times !== undefined && { times }) });
      if (made.status !== 201) throw new Error(`the emulator refused the fault: ${await made.text()}`);
    },
    async calm() {
      await control('DELETE', 'faults');
      await control('DELETE', 'log');
    },
    async restart() {
      await stop();
      await start();
    },
    stop,
    async close() {
      await stop();
      await remove();
      wire.assertClean();
    },
  };
}
