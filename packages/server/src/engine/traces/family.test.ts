/** The turns of sub-agents in the trace of the turn that began them. */
import { expect, test } from 'vitest';
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import { Homes } from '../homes.ts';
import { batches, failure, message, thenFail } from '../scripted-provider.test-support.ts';
import { comesTo, firstSaid, idsIn, MULTI, outputsOf, storedState } from '../subagents/family.test-support.ts';
import { calls, desk as toolsOf, session, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, type Booted, codeOf, gate, until, World } from '../world.test-support.ts';
import { listTraces, type SessionTrace, type TraceDesk } from './list.ts';
import type { OtlpSpan } from './otlp.ts';
import { otlpTraces } from './otlp-schema.test-support.ts';
import { readTrace } from './read.ts';
import { sha256 } from './turn.test-support.ts';

function deskOf({ stores }: Booted): TraceDesk {
  return {
    homes: new Homes(stores),
    sha256,
    wait: work => work,
    target: async () => null,
    server: () => null,
    content: false,
  };
}

async function tracesOf(booted: Booted, id: string): Promise<readonly SessionTrace[]> {
  const query = { order: 'asc', limit: 100 } as const;
  return (await listTraces(deskOf(booted), ACME.tenant, id, query, ['agent'], 'session_not_found')).traces;
}

function spansIn(trace: Pick<SessionTrace, 'otlp'> | undefined): readonly OtlpSpan[] {
  if (trace !== undefined) otlpTraces.parse(trace.otlp);
  return trace?.otlp.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)) ?? [];
}

function valueOf(span: OtlpSpan | undefined, key: string): string | null {
  const found = span?.attributes.find(one => one.key === key)?.value;
  return found !== undefined && 'stringValue' in found ? found.stringValue : null;
}

const subagentOf = (span: OtlpSpan): string | null => valueOf(span, 'perdure.subagent.id');
const isRoot = ({ name }: OtlpSpan): boolean => name.startsWith('invoke_agent');

/** As it is exported: by itself. */
async function alone(booted: Booted, member: string, turn: ResponseId): Promise<readonly OtlpSpan[]> {
  const [store] = booted.stores;
  const row = await store?.session(ACME.tenant, member as SessionId);
  const response = await store?.response(ACME.tenant, turn);
  if (store === undefined || row == null || response == null) throw new Error('it is not there');
  const trace = await readTrace(deskOf(booted), store, row, response, null);
  return spansIn(trace ?? undefined);
}

test('each is below the call that began it, at every depth, and is exported with the same ids', async () => {
  const made = new World();
  made.provider.follow(call => {
    made.pass(10);
    const [task, outputs] = [firstSaid(call), outputsOf(call)];
    if (task === 'deep' || outputs.length > 1) return batches(message('Done.'));
    if (outputs.length === 0)
      return batches(calls(['create_subagent', `{"task":"${task === 'Go' ? 'mid' : 'deep'}"}`]));
    return batches(calls(['wait_for_subagents', JSON.stringify({ agent_ids: idsIn(outputs) })]));
  });
  const booted = made.boot({ tools: toolsOf(new TestTools()) });
  const id = await session(booted.engine, MULTI);
  await comesTo(booted.engine, id, 'idle');

  const traces = await tracesOf(booted, id);
  expect(traces).toHaveLength(1);
  const spans = spansIn(traces[0]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  const byId = new Map(spans.map(one => [one.spanId, one]));
  const [mid, deep] = [...storedMembers(made, id)];
  const above = (span: OtlpSpan | undefined): OtlpSpan | undefined => byId.get(span?.parentSpanId ?? '');
  const roots = spans.filter(isRoot);
  expect(roots.map(subagentOf)).toEqual([null, mid, deep]);
  for (const root of roots.slice(1)) expect(above(root)?.name).toBe('execute_tool create_subagent');
  expect(above(above(roots[1]))).toBe(roots[0]);
  expect(above(above(roots[2]))).toBe(roots[1]);
  // Nobody is told of a session that is none to him.
  for (const span of spans)
    if (valueOf(span, 'gen_ai.conversation.id') !== null) expect(valueOf(span, 'gen_ai.conversation.id')).toBe(id);

  const exported: OtlpSpan[] = [];
  for (const one of [mid, deep]) {
    const member = (one ?? '').replace('subagent_', 'sess_');
    const { data } = await booted.engine.subagents.turns(ACME, id, one ?? '', { order: 'asc', limit: 9, after: null });
    for (const { row } of data) exported.push(...(await alone(booted, member, row.id)));
    expect(await codeOf(tracesOf(booted, member))).toBe('session_not_found');
  }
  const shown = spans.slice(spans.findIndex(span => subagentOf(span) !== null));
  expect(exported).toEqual(shown);
});

function storedMembers(made: World, id: string): readonly string[] {
  return (storedState(made, id)?.subagents?.all ?? []).map(one => one.session.replace('sess_', 'subagent_'));
}

test('one that no call began is below the turn of the session that began before it', async () => {
  const made = new World();
  const told = gate();
  made.provider.follow(call => {
    made.pass(10);
    const outputs = outputsOf(call);
    if (firstSaid(call) !== 'Go')
      return JSON.stringify(call.context).includes('more')
        ? batches(message('Heard.'))
        : (async function* () {
            yield [];
            await told.opened;
            yield* thenFail([], failure('upstream_rejected'));
          })();
    if (outputs.length === 0) return batches(calls(['create_subagent', '{"task":"alpha"}']));
    const [agent_id = ''] = idsIn(outputs);
    if (outputs.length === 1)
      return batches(calls(['send_subagent_input', JSON.stringify({ agent_id, input: 'more' })]));
    told.open();
    return batches(message('Done.'));
  });
  const booted = made.boot({ tools: toolsOf(new TestTools()) });
  const id = await session(booted.engine, MULTI);
  await comesTo(booted.engine, id, 'idle');
  const [one = ''] = storedMembers(made, id);
  const member = one.replace('subagent_', 'sess_');
  await until(() => storedState(made, member)?.unheard !== undefined, 'the failure');
  made.pass(10);
  for (const store of booted.stores) for (const row of await store.due(made.clock.now(), 10)) await booted.wake(row);
  await until(() => storedState(made, member)?.turn === null, 'the turn that begins by itself');

  const spans = spansIn((await tracesOf(booted, id))[0]);
  const [root, ...rest] = spans.filter(isRoot);
  expect(rest.map(span => [valueOf(span, 'perdure.turn.status'), span.parentSpanId === root?.spanId])).toEqual([
    ['failed', false],
    ['completed', true],
  ]);
  const { data } = await booted.engine.subagents.turns(ACME, id, one, { order: 'asc', limit: 9, after: null });
  const last = data.at(-1)?.row.id;
  expect((await alone(booted, member, last as ResponseId))[0]).toEqual(rest[1]);
});
