import type { PlacementResource, StatusResource, WhatIfResult } from '@perdure/protocol';
import type OpenAI from 'openai';
import { afterEach, describe, expect, test } from 'vitest';
import { type Customer, keyOf, marchConfig } from '../support/customers.ts';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack, type StackOptions, targetOf } from '../support/stack.ts';

/** Where calls and state go, by which clause, and how a refusal says so: over the wire, with the official client. */
let stack: Stack;
const start = async (options: StackOptions): Promise<void> => {
  stack = await startStack(options);
};
afterEach(() => stack.close());

const of = (customer: Customer): OpenAI => stack.openai(keyOf(customer));
const placementOf = async (id: string | null | undefined, key: string): Promise<PlacementResource> => {
  if (typeof id !== 'string') throw new Error('no placement was named');
  const response = await stack.request('GET', `/perdure/v1/placements/${id}`, { key });
  expect(response.status).toBe(200);
  return (await response.json()) as PlacementResource;
};
/** Runs a call and gives its placement, by the header. */
const placed = async (customer: Customer, body: { store?: boolean } = {}): Promise<PlacementResource> => {
  const { response } = await of(customer)
    .responses.create({ model: MODEL, input: 'Hello.', ...body })
    .withResponse();
  return placementOf(response.headers.get('perdure-placement'), keyOf(customer));
};
const listed = async (customer: Customer, query = ''): Promise<{ data: PlacementResource[]; has_more: boolean }> =>
  (await (await stack.request('GET', `/perdure/v1/placements${query}`, { key: keyOf(customer) })).json()) as never;
const against = (placement: PlacementResource, cloud: string): string[] =>
  placement.rows.filter(row => row.cloud === cloud).flatMap(row => row.clauses.map(clause => clause.id));

describe('the header', () => {
  test('names the placement of every kind of call', async () => {
    await start({});
    const client = stack.openai();
    const hello = { model: MODEL, input: 'Hello.' };
    const chat = { model: MODEL, messages: [{ role: 'user' as const, content: 'Hello.' }] };
    const conversation = await client.conversations.create().withResponse();
    const calls = [
      conversation.response,
      (await client.responses.create(hello).withResponse()).response,
      (await client.responses.create({ ...hello, store: false }).withResponse()).response,
      (await client.responses.create({ ...hello, conversation: conversation.data.id }).withResponse()).response,
      (await client.chat.completions.create(chat).withResponse()).response,
    ];
    for (const stored of [true, false]) {
      const { data, response } = await client.responses
        .create({ ...hello, stream: true, store: stored })
        .withResponse();
      calls.push(response);
      await all(data);
    }
    const streamed = await client.chat.completions.create({ ...chat, stream: true }).withResponse();
    calls.push(streamed.response);
    await all(streamed.data);
    const ids = calls.map(call => call.headers.get('perdure-placement'));
    expect(new Set(ids).size).toBe(calls.length);
    for (const [index, id] of ids.entries()) {
      const placement = await placementOf(id, 'local');
      expect(placement).toMatchObject({
        id,
        action: index === 0 ? 'place_state' : 'infer',
        outcome: 'placed',
        in_force: ['none'],
      });
      expect(placement.call.status).toBe('completed');
      if (index > 0) expect(placement.usage?.input).toBeGreaterThan(0);
    }
  });

  test('names one that outlives the response', async () => {
    await start({});
    const client = stack.openai();
    const { data, response } = await client.responses.create({ model: MODEL, input: 'Hello.' }).withResponse();
    await client.responses.delete(data.id);
    expect(await placementOf(response.headers.get('perdure-placement'), 'local')).toMatchObject({ outcome: 'placed' });
  });
});

describe('under the contract of February 2026', () => {
  test('each customer is served where the clauses say, and its state lies there too', async () => {
    await start({ config: marchConfig() });
    const where = async (customer: Customer): Promise<(string | null | undefined)[]> => {
      const call = await placed(customer);
      return [call.target?.cloud, call.home, call.class];
    };
    expect(await where('api-direct')).toEqual(['azure', 'azure', 'stateless']);
    expect((await where('api-bedrock'))[0]).toBe('azure');
    expect(await where('frontier-direct')).toEqual(['azure', 'azure', 'stateful']);
    expect(await where('frontier-bedrock')).toEqual(['aws', 'aws', 'stateful']);
    // A call for which no state is held is stateless, whatever was bought.
    expect(await placed('frontier-bedrock', { store: false })).toMatchObject({
      target: { cloud: 'azure' },
      class: 'stateless',
    });
  });

  test('each placement says why not elsewhere, by which reading and date', async () => {
    await start({ config: marchConfig() });
    const api = await placed('api-direct');
    expect(api).toMatchObject({
      reading: 'as-written',
      as_of: '2026-03-20',
      in_force: ['openai-2026-02'],
      class: 'stateless',
    });
    expect(against(api, 'aws')).toContain('joint.stateless');
    expect(api.explanation).toContain('joint.stateless');
    expect(against(await placed('frontier-bedrock'), 'azure')).toEqual(['amzn.inference']);
    expect(against(await placed('frontier-direct'), 'aws')).toEqual(['joint.first-party']);
    const flagged = await placed('api-bedrock');
    expect(flagged.flagged.map(clause => clause.id)).toContain('joint.sellers');
    const call = await placed('frontier-bedrock');
    const own = await listed('frontier-bedrock', `?session=${call.session}`);
    const state = own.data.find(one => one.action === 'place_state');
    expect(against(state ?? api, 'azure')).toEqual(['amzn.state']);
  });

  test('the reading of Microsoft moves Frontier bought through Bedrock to Azure, and leaves its state on AWS', async () => {
    await start({ config: marchConfig({ reading: 'microsoft' }) });
    const call = await placed('frontier-bedrock');
    expect(call).toMatchObject({ reading: 'microsoft', class: 'stateless', home: 'aws', target: { cloud: 'azure' } });
    expect(against(call, 'aws')).toEqual(['joint.stateless']);
  });

  test('the reading of Amazon and OpenAI lets a stored API response sold by AWS run on AWS', async () => {
    const config = { contracts: ['openai-2026-02'] };
    await start({ config: marchConfig({ ...config, reading: 'amazon-openai' }, ['aws']) });
    expect(await placed('api-bedrock')).toMatchObject({ class: 'stateful', target: { cloud: 'aws' } });
    expect(
      await failureOf(of('api-bedrock').responses.create({ model: MODEL, input: 'Hello.', store: false })),
    ).toMatchObject({
      status: 403,
      code: 'placement_refused',
    });
  });

  test('the same traffic can be asked about under another reading, and nothing moves', async () => {
    await start({ config: marchConfig() });
    await placed('frontier-bedrock');
    const body = { reading: 'microsoft' };
    const answer = await stack.request('POST', '/perdure/v1/whatif', { key: keyOf('frontier-bedrock'), body });
    const result = (await answer.json()) as WhatIfResult;
    expect(result).toMatchObject({ reading: 'microsoft', changed: 1, truncated: false });
    expect(result.rows.find(row => row.changed)).toMatchObject({
      action: 'infer',
      was: { cloud: 'aws' },
      would_be: { cloud: 'azure', clauses: expect.anything() },
    });
    expect((await placed('frontier-bedrock')).target?.cloud).toBe('aws');
  });
});

describe('a refusal', () => {
  test('names each target with its clauses, and the placement that records it', async () => {
    await start({ config: marchConfig({}, ['aws']) });
    const hello = { model: MODEL, input: 'Hello.' };
    const chat = { model: MODEL, messages: [{ role: 'user' as const, content: 'Hello.' }] };
    const client = of('api-bedrock');
    const refusals = [
      () => client.responses.create(hello),
      () => client.responses.create({ ...hello, stream: true }),
      () => client.responses.create({ ...hello, store: false }),
      () => client.chat.completions.create(chat),
    ];
    for (const work of refusals) {
      const failure = await failureOf(work());
      expect(failure).toMatchObject({
        status: 403,
        code: 'placement_refused',
        type: 'permission_error',
        details: {
          targets: [{ id: 'aws-1', cloud: 'aws', clauses: [{ contract: 'openai-2026-02', id: 'joint.stateless' }] }],
        },
      });
      expect(failure.message).toContain('joint.stateless');
      const id = failure.details?.['placement'];
      expect(failure.headers?.get('perdure-placement')).toBe(id);
      const placement = await placementOf(String(id), keyOf('api-bedrock'));
      expect(placement).toMatchObject({
        outcome: 'refused',
        target: null,
        conflict: { clauses: [{ id: 'joint.stateless' }] },
      });
      expect(placement.conflict?.remedies.length).toBeGreaterThan(0);
    }
    expect(await stack.upstream()).toEqual([]);
    const refused = await listed('api-bedrock', '?outcome=refused');
    expect(refused.data).toHaveLength(refusals.length);
  });

  test('comes where the seller may not sell the product', async () => {
    await start({ config: marchConfig() });
    const failure = await failureOf(of('frontier-azure').responses.create({ model: MODEL, input: 'Hello.' }));
    expect(failure).toMatchObject({ status: 403, code: 'placement_refused' });
    expect(failure.message).toContain('amzn.distribution');
    expect(await failureOf(of('frontier-azure').conversations.create())).toMatchObject({
      status: 403,
      code: 'placement_refused',
    });
  });

  test('of a turn leaves its chain as it was', async () => {
    await start({ config: marchConfig({ contracts: ['openai-2026-02', 'data-handling'] }) });
    const client = of('api-direct');
    const one = await client.responses.create({ model: MODEL, input: 'Hello.' });
    const next = { model: MODEL, input: 'Go on.', previous_response_id: one.id };
    const failure = await failureOf(client.responses.create(next, { headers: { 'perdure-labels': 'us-gov' } }));
    expect(failure).toMatchObject({ status: 403, code: 'label_not_allowed_here' });
    expect(failure.message).toContain('data.us-gov');
    expect((await client.responses.create(next)).status).toBe('completed');
  });

  test('does not come in monitor mode, which records it', async () => {
    await start({ config: marchConfig({ enforce: false }, ['aws']) });
    const call = await placed('api-bedrock');
    expect(call).toMatchObject({ outcome: 'placed', target: { cloud: 'aws' } });
    expect(call.flagged.map(clause => clause.id)).toContain('joint.stateless');
  });

  test('does not come for US national security, nor for models that the contract does not bind', async () => {
    await start({
      config: emulator => ({
        ...marchConfig()(emulator),
        targets: [
          targetOf(emulator, 'aws'),
          targetOf(emulator, 'aws', {
            id: 'other',
            model: 'opus',
            upstream_model: 'claude-opus-4.6-emulated',
            vendor: 'anthropic',
          }),
        ],
      }),
    });
    expect(await placed('api-natsec')).toMatchObject({ target: { cloud: 'aws' } });
    expect((await of('api-direct').responses.create({ model: 'opus', input: 'Hello.' })).status).toBe('completed');
  });
});

describe('the date', () => {
  test('outside every contract that binds the call refuses it, and only it', async () => {
    await start({
      config: emulator => ({
        ...marchConfig({ as_of: '2026-04-27' })(emulator),
        targets: [
          targetOf(emulator, 'azure'),
          targetOf(emulator, 'aws', {
            id: 'other',
            model: 'opus',
            upstream_model: 'claude-opus-4.6-emulated',
            vendor: 'anthropic',
          }),
        ],
      }),
    });
    const failure = await failureOf(of('api-direct').responses.create({ model: MODEL, input: 'Hello.', store: false }));
    expect(failure).toMatchObject({ status: 403, code: 'no_contract_in_force' });
    expect(await placementOf(String(failure.details?.['placement']), keyOf('api-direct'))).toMatchObject({
      outcome: 'refused',
      as_of: '2026-04-27',
      in_force: [],
    });
    expect((await of('api-direct').responses.create({ model: 'opus', input: 'Hello.', store: false })).status).toBe(
      'completed',
    );
  });

  test('a day before, the contract still binds', async () => {
    await start({ config: marchConfig({ as_of: '2026-04-26' }, ['aws']) });
    expect(await failureOf(of('api-direct').responses.create({ model: MODEL, input: 'Hello.' }))).toMatchObject({
      code: 'placement_refused',
    });
    const status = await stack.request('GET', '/perdure/v1/status', { key: keyOf('api-direct') });
    expect((await status.json()) as StatusResource).toMatchObject({
      as_of: '2026-04-26',
      contracts: [{ id: 'openai-2026-02', in_force: true }],
    });
  });
});

describe('targets that are allowed but not to be had', () => {
  const hello = { model: MODEL, input: 'Hello.' };

  test('because they are full: 503 with a time to wait, until there is room', async () => {
    await start({ config: emulator => ({ targets: [targetOf(emulator, 'aws', { capacity: 1 })] }) });
    const client = stack.openai();
    const running = client.responses.create({ ...hello, input: 'Slowly. [[words: 40]] [[latency: 20]]' });
    await expect.poll(async () => (await stack.upstream()).length).toBe(1);
    for (const store of [true, false]) {
      const failure = await failureOf(client.responses.create({ ...hello, store }));
      expect(failure).toMatchObject({
        status: 503,
        code: 'no_target_available',
        details: { targets: [{ id: 'aws-1', verdict: 'full' }] },
      });
      expect(Number(failure.headers?.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await placementOf(String(failure.details?.['placement']), 'local')).toMatchObject({
        outcome: 'unavailable',
      });
    }
    await running;
    expect((await client.responses.create(hello)).status).toBe('completed');
  });

  test('because they are down: 503 with a time to wait', async () => {
    await start({ clouds: ['aws'] });
    const client = stack.openai();
    await stack.fault('status 500');
    for (let tries = 0; tries < 3; tries++)
      expect((await failureOf(client.responses.create({ ...hello, store: false }))).status).toBeGreaterThanOrEqual(502);
    const failure = await failureOf(client.responses.create({ ...hello, store: false }));
    expect(failure).toMatchObject({
      status: 503,
      code: 'no_target_available',
      details: { targets: [{ verdict: 'down' }] },
    });
    expect(Number(failure.headers?.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });

  test.each([true, false])('of many calls at once no more are made than there is room for (store: %s)', async store => {
    await start({
      config: emulator => ({ targets: ['azure', 'aws'].map(cloud => targetOf(emulator, cloud, { capacity: 2 })) }),
    });
    const client = stack.openai();
    const slow = { ...hello, input: 'Slowly. [[words: 60]] [[latency: 40]]', store };
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => client.responses.create(slow)));
    const refused = results.filter(result => result.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as { code: unknown }).code)).toEqual(
      refused.map(() => 'no_target_available'),
    );
    const calls = await stack.upstream();
    expect(calls.map(call => call.cloud).toSorted()).toEqual(['aws', 'aws', 'azure', 'azure']);
    expect(refused).toHaveLength(12 - calls.length);
  });
});

describe('the list of placements', () => {
  test('is paged without loss over homes, and filtered', async () => {
    await start({ config: marchConfig() });
    const made: string[] = [];
    for (const customer of ['api-direct', 'frontier-bedrock', 'frontier-direct'] as const) {
      for (let turn = 0; turn < 2; turn++) made.push((await placed(customer)).id);
    }
    const seen: PlacementResource[] = [];
    let after = '';
    for (;;) {
      const page = await listed('api-direct', `?order=asc&limit=5${after}`);
      seen.push(...page.data);
      if (!page.has_more) break;
      after = `&after=${page.data.at(-1)?.id ?? ''}`;
    }
    expect(seen).toHaveLength(12);
    expect(new Set(seen.map(one => one.id)).size).toBe(12);
    expect(
      seen
        .map(one => one.id)
        .filter(id => made.includes(id))
        .toSorted(),
    ).toEqual(made.toSorted());
    const newest = await listed('api-direct', '?limit=100');
    expect(newest.data.map(one => one.id)).toEqual(seen.map(one => one.id).toReversed());
    const [first] = seen;
    const own = await listed('api-direct', `?session=${first?.session ?? ''}`);
    expect(own.data.map(one => one.action).toSorted()).toEqual(['infer', 'place_state']);
    const response = seen.find(one => one.response !== null)?.response ?? '';
    expect((await listed('api-direct', `?response=${response}`)).data).toMatchObject([{ response }]);
  });
});

test('a session stays with the product and channel that began it', async () => {
  await start({ config: marchConfig() });
  const one = await of('api-direct').responses.create({ model: MODEL, input: 'Hello.' });
  const conversation = (await of('api-direct').conversations.create()).id;
  const other = of('frontier-bedrock').responses;
  for (const how of [{ previous_response_id: one.id }, { conversation }]) {
    expect(await failureOf(other.create({ model: MODEL, input: 'Go on.', ...how }))).toMatchObject({
      status: 403,
      code: 'session_product_mismatch',
    });
  }
});
