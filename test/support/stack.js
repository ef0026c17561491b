/** A whole deployment inside a test: the real server on a free port, a data folder of its own, and the emulated clouds as upstreams. */
import { startEmulator } from '@perdure/emulator';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { composeServer } from '../../packages/server/src/main/compose.js';
import { parseConfig } from '../../packages/server/src/main/config/load.js';
import { WireCheck } from './wire-check.js';
/** The model that every target of a stack serves, unless its configuration says otherwise. */
export const MODEL = 'gpt-5.5';
/** Where the emulated clouds are said to be. */
export const CLOUDS = {
  azure: { region: 'eastus2', jurisdiction: 'us' },
  aws: { region: 'us-east-1', jurisdiction: 'us' },
  'openai-direct': { region: 'us', jurisdiction: 'us' },
};
export function targetOf(emulator, cloud, over = {}) {
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
export async function startStack(options = {}) {
  const { clouds = Object.keys(CLOUDS) } = options;
  const emulator = await startEmulator({ clouds, recordBodies: true, ...options.emulator });
  const data = mkdtempSync(join(tmpdir(), 'perdure-test-'));
  const notes = [];
  const wire = new WireCheck();
  let server = null;
  const start = async () => {
    const over = typeof options.config === 'function' ? options.config(emulator) : (options.config ?? {});
    const file = {
      listen: { host: '127.0.0.1', port: 0 },
      data,
      targets: clouds.map(cloud => targetOf(emulator, cloud)),
      ...over,
      // Low, so that a test of a deadline takes no longer than it must; high enough for a busy machine.
      limits: { drain_ms: 1_000, ...over.limits },
    };
    // JSON is YAML: the configuration goes through its real reader.
    const { config } = parseConfig(JSON.stringify(file), { file: 'test.yaml', env: {}, base: data });
    const hook = options.openHome === undefined ? {} : { openHome: options.openHome };
    server = await composeServer(config, { log: line => notes.push(line), ...hook });
    await server.recovered;
  };
  const stop = async () => {
    await server?.close();
    server = null;
  };
  const remove = async () => {
    await emulator.close();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  const url = () => {
    if (server === null) throw new Error('the server of this stack was stopped');
    return server.url;
  };
  const control = (method, path, body) =>
    fetch(`${emulator.url}/_emulator/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  return {
    get url() {
      return url();
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
      const log = await (await control('GET', 'log')).json();
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
//# sourceMappingURL=stack.js.map
