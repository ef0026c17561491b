import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  errorBody,
  isPerdureError,
  listPage,
  perdureError,
  type PerdureError,
  type PlacementResource,
} from '@perdure/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { createPerdureClient } from './client.ts';

type Reply = {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: { readonly [name: string]: string };
};
type Seen = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise(done => server.close(done));
  }
});

/** A real server on loopback that answers as told; null leaves the client waiting. */
async function serve(reply: (seen: Seen) => Reply | null): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(one);
      const made = reply(one);
      if (made === null) return;
      response.writeHead(made.status ?? 200, { 'content-type': 'application/json', ...made.headers });
      response.end(typeof made.body === 'string' ? made.body : JSON.stringify(made.body));
    });
  });
  servers.push(server);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const failure = async (call: Promise<unknown>): Promise<PerdureError> => {
  const thrown: unknown = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (!isPerdureError(thrown)) throw new Error('not a PerdureError', { cause: thrown });
  return thrown;
};

const placement = (id: string): PlacementResource => ({
  id,
  object: 'perdure.placement',
  created_at: 1,
  tenant: 'local',
  session: 'sess_1',
  response: null,
  action: 'infer',
  purpose: 'turn',
  tool: null,
  destination: null,
  agent: null,
  key: 'local',
  use: null,
  outcome: 'placed',
  target: { id: 't', cloud: 'azure', region: 'eastus2', vendor: 'openai', model: 'm' },
  home: 'local',
  class: null,
  reading: null,
  as_of: null,
  in_force: [],
  clauses: [],
  rows: [],
  flagged: [],
  enforced: true,
  would_be: null,
  waivers: [],
  conflict: null,
  explanation: '',
  usage: null,
  call: { status: 'completed' },
});

describe('calls', () => {
  it('gets a placement with the key, its id encoded', async () => {
    const { url, seen } = await serve(() => ({ body: placement('a/b') }));
    const client = createPerdureClient({ baseURL: `${url}/v1/`, apiKey: 'k1' });
    expect(await client.placements.get('a/b')).toEqual(placement('a/b'));
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/perdure/v1/placements/a%2Fb',
      headers: { authorization: 'Bearer k1' },
    });
  });

  it('sends no authorization without a key', async () => {
    const { url, seen } = await serve(() => ({ body: { status: 'ok' } }));
    expect(await createPerdureClient({ baseURL: url }).health.live()).toEqual({ status: 'ok' });
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  it('lists page by page', async () => {
    const { url, seen } = await serve(({ url: path }) => {
      const after = new URL(path, 'http://x').searchParams.get('after');
      return {
        body:
          after === null
            ? { ...listPage([placement('a'), placement('b')], true), next: 'n1' }
            : after === 'n1'
              ? { ...listPage([], true), next: 'n2' }
              : { ...listPage([placement('c')], false), next: null },
      };
    });
    const ids: string[] = [];
    for await (const one of createPerdureClient({ baseURL: url }).placements.each({ limit: 2, session: 's&t' }))
      ids.push(one.id);
    expect(ids).toEqual(['a', 'b', 'c']);
    expect(seen.map(one => one.url)).toEqual([
      '/perdure/v1/placements?limit=2&session=s%26t',
      '/perdure/v1/placements?limit=2&session=s%26t&after=n1',
      '/perdure/v1/placements?limit=2&session=s%26t&after=n2',
    ]);
  });

  it('lists the audit page by page, short pages too', async () => {
    const entry = (position: number) => ({
      object: 'perdure.audit_entry',
      position,
      at: 1,
      actor: 'key:k',
      actor_name: 'ops',
      action: 'key.created',
      subject: 'key_1',
      tenant: null,
      body: '{}',
      digest: 'd',
      leaf: null,
    });
    const page = (data: readonly unknown[], next: number | null) => ({
      body: { object: 'list', data, has_more: next !== null, next },
    });
    const { url, seen } = await serve(({ url: path }) => {
      const after = new URL(path, 'http://x').searchParams.get('after');
      if (after === '4') return page([entry(5)], 9);
      return after === '9' ? page([], 12) : page([entry(13)], null);
    });
    const { audit } = createPerdureClient({ baseURL: url });
    const found: number[] = [];
    for await (const { position } of audit.each({ kind: 'key', limit: 7, after: 4 })) found.push(position);
    expect(found).toEqual([5, 13]);
    expect((await audit.list()).data).toEqual([entry(13)]);
    expect(seen.map(one => one.url)).toEqual([
      '/perdure/v1/audit?kind=key&limit=7&after=4',
      '/perdure/v1/audit?kind=key&limit=7&after=9',
      '/perdure/v1/audit?kind=key&limit=7&after=12',
      '/perdure/v1/audit',
    ]);
  });

  it('reads contracts by digest, and agents as auditors see them', async () => {
    const contract = {
      id: 'none',
      object: 'perdure.contract',
      version: '1',
      digest: 'd/1',
      files: { 'contract.yaml': 'f' },
      in_force: true,
      activations: ['act_1'],
    };
    const { url, seen } = await serve(({ url: path }) => {
      if (path.includes('/agents')) return { body: listPage([], false) };
      const list = { object: 'list', data: [contract], has_more: false };
      return { body: path.endsWith('/contracts') ? list : { ...contract, texts: { 'contract.yaml': 'id: none' } } };
    });
    const client = createPerdureClient({ baseURL: url });
    expect(await client.contracts.list()).toEqual([contract]);
    expect((await client.contracts.get('d/1')).texts).toEqual({ 'contract.yaml': 'id: none' });
    expect((await client.agentCards.list({ tenant: 'acme', limit: 5 })).data).toEqual([]);
    expect(seen.map(one => one.url)).toEqual([
      '/perdure/v1/contracts',
      '/perdure/v1/contracts/d%2F1',
      '/perdure/v1/agents?tenant=acme&limit=5',
    ]);
  });

  it('sums usage page by page, and lists its calls cursor by cursor', async () => {
    const group = (key: string) => ({
      id: key,
      object: 'perdure.usage',
      group: { key },
      calls: 1,
      bound_calls: 0,
      unpriced_calls: 0,
      tokens: { input: 1, cached_input: 0, cache_write: 0, output: 1, reasoning: 0 },
      cost_micro_usd: '9007199254740993',
      revenue_micro_usd: '0',
    });
    const { url, seen } = await serve(({ url: path }) => {
      const { searchParams, pathname } = new URL(path, 'http://x');
      if (pathname.endsWith('/calls'))
        return { body: { object: 'list', data: [], next: searchParams.get('after') === null ? 'c1' : null } };
      return {
        body: searchParams.get('after') === null ? listPage([group('a')], true) : listPage([group('b')], false),
      };
    });
    const client = createPerdureClient({ baseURL: url });
    const keys: string[] = [];
    for await (const one of client.usage.groups(['key', 'day'], { tenant: '*' }))
      keys.push(one.id + one.cost_micro_usd);
    for await (const one of client.usage.calls({ from: '2026-03-01' })) keys.push(one.id);
    expect(keys).toEqual(['a9007199254740993', 'b9007199254740993']);
    expect(seen.map(one => one.url)).toEqual([
      '/perdure/v1/usage?tenant=*&group_by=key%2Cday&limit=100',
      '/perdure/v1/usage?tenant=*&group_by=key%2Cday&limit=100&after=a',
      '/perdure/v1/usage/calls?from=2026-03-01',
      '/perdure/v1/usage/calls?from=2026-03-01&after=c1',
    ]);
  });

  it('posts a supposition', async () => {
    const result = {
      object: 'perdure.whatif',
      reading: 'microsoft',
      contracts: [],
      as_of: null,
      rows: [],
      changed: 0,
      as_recorded: 0,
      left_out: [],
      notice: null,
      truncated: false,
    };
    const { url, seen } = await serve(() => ({ body: result }));
    expect(await createPerdureClient({ baseURL: url }).whatif.run({ reading: 'microsoft' })).toEqual(result);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/perdure/v1/whatif', body: '{"reading":"microsoft"}' });
  });

  it('tells a server that is not ready from one that fails', async () => {
    const { url } = await serve(() => ({ status: 503, body: { status: 'draining', checks: [] } }));
    expect(await createPerdureClient({ baseURL: url }).health.ready()).toEqual({ status: 'draining', checks: [] });
    const error = await failure(createPerdureClient({ baseURL: url }).health.live());
    expect([error.code, error.status]).toEqual(['internal_error', 503]);
  });
});

describe('failures', () => {
  it("carry the server's code, details and patience", async () => {
    const refused = perdureError('no_target_available', 'All full.', { param: 'model', details: { targets: ['t'] } });
    const { url } = await serve(() => ({ status: 503, body: errorBody(refused), headers: { 'retry-after': '2' } }));
    const error = await failure(createPerdureClient({ baseURL: url }).status.get());
    expect(error).toMatchObject({
      code: 'no_target_available',
      status: 503,
      message: 'All full.',
      param: 'model',
      details: { targets: ['t'] },
      retryAfterMs: 2000,
    });
  });

  it('are plain where the answer is not of the protocol', async () => {
    for (const body of ['<html>', '{', { error: { code: 'made_up' } }, {}]) {
      const { url } = await serve(() => ({ status: 418, body }));
      const error = await failure(createPerdureClient({ baseURL: url }).targets.list());
      expect([error.code, error.status]).toEqual(['internal_error', 418]);
    }
    const { url } = await serve(() => ({ body: { ...placement('a'), outcome: 'lost' } }));
    expect((await failure(createPerdureClient({ baseURL: url }).placements.get('a'))).code).toBe('internal_error');
  });

  it('say when no one is there', async () => {
    const { url } = await serve(() => null);
    const [server] = servers.splice(0);
    await new Promise(done => server?.close(done));
    expect((await failure(createPerdureClient({ baseURL: url }).status.get())).code).toBe('server_unreachable');
  });

  it('end a call that hangs', async () => {
    const { url } = await serve(() => null);
    const error = await failure(createPerdureClient({ baseURL: url, timeoutMs: 50 }).status.get());
    expect(error.code).toBe('deadline_exceeded');
  });

  it("leave the caller's own abort to the caller", async () => {
    const { url } = await serve(() => null);
    const reason = new Error('enough');
    const call = createPerdureClient({ baseURL: url }).status.get({ signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toBe(reason);
  });

  it('do not carry the key to where a redirect points', async () => {
    const { url, seen } = await serve(() => ({ status: 302, body: '', headers: { location: '/healthz' } }));
    expect((await failure(createPerdureClient({ baseURL: url, apiKey: 'k1' }).status.get())).code).toBe(
      'server_unreachable',
    );
    expect(seen).toHaveLength(1);
  });
});

describe('options', () => {
  it('are checked at once', () => {
    for (const baseURL of ['', 'nowhere', 'ftp://x', '/v1'])
      expect(() => createPerdureClient({ baseURL })).toThrow(TypeError);
    for (const timeoutMs of [0, -1, Number.NaN]) {
      expect(() => createPerdureClient({ baseURL: 'http://127.0.0.1', timeoutMs })).toThrow(TypeError);
    }
  });
});
