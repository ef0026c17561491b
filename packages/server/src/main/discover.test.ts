import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { discover, type Discovered } from './discover.ts';
import { EMULATED_MODEL } from './discover/emulated-targets.ts';
import { fromEnvironment } from './discover/environment.ts';
import { fromLocalServers } from './discover/local-servers.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const models =
  (...ids: readonly unknown[]): RequestListener =>
  (request, response) => {
    if (request.url !== '/v1/models') return void response.writeHead(404).end();
    response.end(JSON.stringify({ object: 'list', data: ids.map(id => ({ id })) }));
  };

describe('the environment', () => {
  test('offers nothing without keys', () => {
    expect(fromEnvironment({ OPENAI_BASE_URL: 'https://a.example', OPENAI_MODEL: 'x' })).toEqual({
      targets: [],
      notes: [],
    });
  });

  test('OPENAI_API_KEY, with the models and address that are named', () => {
    const { targets, notes } = fromEnvironment({
      OPENAI_API_KEY: 'sk-secret',
      OPENAI_BASE_URL: 'https://a.example/v1',
      OPENAI_MODEL: 'one, two,one',
    });
    expect(targets.map(({ id, model, cloud, base_url, api_key }) => ({ id, model, cloud, base_url, api_key }))).toEqual(
      [
        { id: 'openai-one', model: 'one', cloud: 'openai', base_url: 'https://a.example/v1', api_key: 'sk-secret' },
        { id: 'openai-two', model: 'two', cloud: 'openai', base_url: 'https://a.example/v1', api_key: 'sk-secret' },
      ],
    );
    expect(notes.join()).toContain('one, two at a.example');
    expect(notes.join()).not.toContain('secret');
    expect(fromEnvironment({ OPENAI_API_KEY: 'k' }).targets[0]?.base_url).toBe('https://api.openai.com/v1');
    expect(fromEnvironment({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'file:///x' })).toMatchObject({
      targets: [],
      notes: [expect.stringContaining('no http(s) URL')],
    });
  });

  test.each([
    'https://r.openai.azure.com',
    'https://r.openai.azure.com/',
    'https://r.openai.azure.com/openai',
    'https://r.openai.azure.com/openai/v1/',
  ])('AZURE_OPENAI_ENDPOINT %s', AZURE_OPENAI_ENDPOINT => {
    const { targets } = fromEnvironment({
      AZURE_OPENAI_ENDPOINT,
      AZURE_OPENAI_API_KEY: 'k',
      AZURE_OPENAI_DEPLOYMENT: 'd',
    });
    expect(targets).toEqual([
      {
        id: 'azure-d',
        vendor: 'openai',
        model: 'd',
        cloud: 'azure',
        region: 'unspecified',
        base_url: 'https://r.openai.azure.com/openai/v1',
        api_key: 'k',
      },
    ]);
  });

  test('Azure without its deployment is not used, and that is said', () => {
    const { targets, notes } = fromEnvironment({
      AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com',
      AZURE_OPENAI_API_KEY: 'k',
    });
    expect(targets).toEqual([]);
    expect(notes).toEqual(['Azure OpenAI is not used: AZURE_OPENAI_DEPLOYMENT not set']);
  });
});

describe('servers on this machine', () => {
  test('are asked for their models', async () => {
    const port = await serve(models('llama3:8b', 'qwen/qwen3', 7, ''));
    const { targets, notes } = await fromLocalServers([{ name: 'ollama', port }]);
    expect(targets).toEqual([
      {
        id: 'ollama-llama3-8b',
        vendor: 'local',
        model: 'llama3:8b',
        cloud: 'local',
        region: 'local',
        dialect: 'openai-chat',
        base_url: `http://127.0.0.1:${port}/v1`,
      },
      expect.objectContaining({ id: 'ollama-qwen-qwen3', model: 'qwen/qwen3' }),
    ]);
    expect(notes).toEqual([`ollama on port ${port}: llama3:8b, qwen/qwen3`]);
  });

  test('that are something else, or hang, or send too much, are nobody', async () => {
    let asked = 0;
    const counted =
      (listener: RequestListener): RequestListener =>
      (request, response) => {
        asked += 1;
        listener(request, response);
      };
    const ports = await Promise.all(
      [
        counted((_, response) => response.end('<html>')),
        counted((_, response) => response.writeHead(500).end('{"data":[{"id":"a"}]}')),
        counted((_, response) => response.writeHead(302, { location: 'http://a.example/' }).end()),
        counted((_, response) => response.end('{"data":"none"}')),
        counted((_, response) => response.end('null')),
        counted(() => undefined),
        counted((_, response) => response.end(`{"data":[{"id":"a"}],"more":"${'x'.repeat(1024 * 1024)}"}`)),
        counted((_, response) => void response.write('{"data":[')),
      ].map(serve),
    );
    const found = await fromLocalServers([...ports, 1].map((port, i) => ({ name: `s${i}`, port })));
    expect(found).toEqual({ targets: [], notes: [] });
    expect(asked).toBe(ports.length);
  });
});

describe('together', () => {
  const found: Discovered[] = [];
  afterEach(async () => {
    for (const one of found.splice(0)) await one.emulated?.close();
  });
  const find = async (options: Parameters<typeof discover>[0]): Promise<Discovered> => {
    const one = await discover(options);
    found.push(one);
    return one;
  };

  test('a key and a server: no emulated cloud', async () => {
    const port = await serve(models('m'));
    const { config, emulated, notes } = await find({
      env: { OPENAI_API_KEY: 'k', OPENAI_MODEL: 'gpt' },
      cwd: tmpdir(),
      localServers: [{ name: 'vllm', port }],
    });
    expect(emulated).toBeNull();
    expect(config.targets.map(({ id }) => id)).toEqual(['openai-gpt', 'vllm-m']);
    expect(notes).toHaveLength(2);
    expect(config.homes.map(({ id }) => id)).toEqual(['local']);
    expect(config.contracts).toEqual([expect.stringMatching(/none$/)]);
  });

  test('two names that shorten to one id are two targets', async () => {
    const { config } = await find({
      env: { OPENAI_API_KEY: 'k', OPENAI_MODEL: 'a/b,a:b' },
      cwd: tmpdir(),
      localServers: [],
    });
    expect(config.targets.map(({ id }) => id)).toEqual(['openai-a-b', 'openai-a-b-2']);
  });

  test('nothing: three emulated clouds, which answer, say so, and end with us', async () => {
    const { config, emulated, notes } = await find({ env: {}, cwd: tmpdir(), localServers: [] });
    expect(notes.join()).toContain('EMULATED');
    expect(config.targets.map(({ cloud, accelerator }) => [cloud, accelerator])).toEqual([
      ['azure', 'gpu'],
      ['aws', 'trainium'],
      ['openai', 'gpu'],
    ]);
    expect(new Set(config.targets.map(({ region }) => region)).size).toBe(3);
    expect(new Set(config.targets.map(({ priceBook }) => priceBook[0]?.prices.input)).size).toBe(3);
    for (const { baseUrl, upstreamModel, emulated: marked } of config.targets) {
      expect(marked).toBe(true);
      const response = await fetch(`${baseUrl}/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: upstreamModel, input: 'Hello.' }),
      });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain(EMULATED_MODEL);
    }
    await emulated?.close();
    await expect(fetch(emulated?.url ?? '')).rejects.toThrow();
  }, 60_000);

  test('emulated clouds that were asked for keep everything else out', async () => {
    const { config, notes } = await find({ env: { OPENAI_API_KEY: 'k' }, cwd: tmpdir(), emulated: true });
    expect(config.targets.every(({ emulated }) => emulated)).toBe(true);
    expect(notes.join()).toContain('as asked');
  }, 60_000);
});
