import { expect, test } from 'vitest';
import type { TenantId } from '../../kernel/ids.ts';
import { Homes } from '../homes.ts';
import { ACME, ask, codeOf, RIVAL, World } from '../world.test-support.ts';
import { listTraces, type TraceDesk, type TraceQuery } from './list.ts';
import type { OtlpSpan } from './otlp.ts';
import { otlpTraces } from './otlp-schema.test-support.ts';
import { sha256 } from './turn.test-support.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

async function told(turns: number) {
  const world = new World();
  const { engine, stores } = world.boot();
  const ids: string[] = [];
  for (let i = 0; i < turns; i++) {
    world.pass(1000);
    const previous = ids.at(-1);
    const response = await ask(
      engine,
      previous === undefined ? {} : { previous_response_id: previous },
      i === 0 ? { caller: { ...ACME, traceparent: TRACEPARENT } } : {},
    );
    await response.done;
    ids.push(response.id);
  }
  const desk: TraceDesk = {
    homes: new Homes(stores),
    sha256,
    wait: work => work,
    target: async () => ({ cloud: 'aws', region: 'us-east-1' }),
    server: () => ({ address: 'upstream', port: 443 }),
    content: false,
  };
  const [store] = stores;
  const row = await store?.response(ACME.tenant, ids[0] as never);
  const session = row?.session ?? '';
  const list = (query: Partial<TraceQuery> = {}, tenant: TenantId = ACME.tenant, id: string = session) =>
    listTraces(desk, tenant, id, { order: 'asc', limit: 20, ...query }, ['responses'], 'not_found');
  const page = async (query: Partial<TraceQuery>): Promise<readonly [readonly number[], boolean]> => {
    const { traces, hasMore } = await list(query);
    return [traces.map(trace => ids.indexOf(trace.id)), hasMore];
  };
  return { engine, ids, session, list, page, desk };
}

const spansOf = (
  trace: { readonly otlp: { readonly resourceSpans: readonly unknown[] } } | undefined,
): readonly OtlpSpan[] => {
  const [resource] = (trace?.otlp.resourceSpans ?? []) as readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
  return resource?.scopeSpans[0]?.spans ?? [];
};

test('a turn that really ran has a trace that receivers take, linked to who asked', async () => {
  const { list, ids, session } = await told(2);
  const { traces } = await list();
  expect(traces.map(({ id, session_id, object }) => [id, session_id, object])).toEqual(
    ids.map(id => [id, session, 'agent.session.trace']),
  );
  for (const trace of traces) {
    otlpTraces.parse(trace.otlp);
    expect(spansOf(trace).map(({ name }) => name)).toEqual(['invoke_agent', 'chat gpt']);
  }
  const [first, second] = traces.map(trace => spansOf(trace)[0]);
  expect(first?.links).toEqual([{ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }]);
  expect(second?.links).toBeUndefined();
  expect(JSON.stringify(traces)).not.toContain('Hello');
  expect((await list()).traces).toEqual(traces);
});

test('pages in both orders, with what is left told truly', async () => {
  const { page, ids } = await told(4);
  expect(await page({ limit: 4 })).toEqual([[0, 1, 2, 3], false]);
  expect(await page({ limit: 3 })).toEqual([[0, 1, 2], true]);
  expect(await page({ limit: 3, after: ids[0] ?? '' })).toEqual([[1, 2, 3], false]);
  expect(await page({ limit: 2, order: 'desc' })).toEqual([[3, 2], true]);
  expect(await page({ limit: 2, order: 'desc', after: ids[2] ?? '' })).toEqual([[1, 0], false]);
  expect(await page({ limit: 1, order: 'desc', after: ids[2] ?? '' })).toEqual([[1], true]);
  expect(await page({ order: 'desc', after: ids[0] ?? '' })).toEqual([[], false]);
});

test('a turn that was deleted has no trace any more', async () => {
  const { engine, ids, page } = await told(2);
  await engine.deleteResponse(ACME, ids[1] ?? '');
  expect(await page({})).toEqual([[0], false]);
});

test('L10: a foreign session, another kind of session, and none at all are told the same', async () => {
  const { list, session, desk } = await told(1);
  for (const id of ['', 'sess_x', session.replace(/.$/, '0')])
    expect(await codeOf(list({}, ACME.tenant, id))).toBe('not_found');
  expect(await codeOf(list({}, RIVAL.tenant))).toBe('not_found');
  expect(await codeOf(listTraces(desk, ACME.tenant, session, { order: 'asc', limit: 1 }, ['agent'], 'not_found'))).toBe(
    'not_found',
  );
});

test('a cursor is a turn of this session', async () => {
  const { list } = await told(1);
  const other = await told(1);
  for (const after of ['turn', other.ids[0] ?? '']) expect(await codeOf(list({ after }))).toBe('invalid_request');
});
