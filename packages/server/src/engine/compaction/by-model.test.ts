/** Compaction by a model: a call like any other, done again after a crash, done without a model where none can be asked. */
import { describe, expect, test } from 'vitest';
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import type { LogEvent } from '../../log/events.ts';
import { validateShown } from '../../session/open-responses.test-support.ts';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { batches, type CallScript, failure, message, thenFail, thenHang } from '../scripted-provider.test-support.ts';
import { ACME, ask, type Booted, LIMITS, read, until, World } from '../world.test-support.ts';

const FILLER = 'Nothing of note was said in this sentence. '.repeat(60);
const FACT = 'The vault code is 8812.';
const MANAGED = { context_management: [{ type: 'compaction', compact_threshold: 1500 }] };
const ASKED = 'Write the summary';

/** Answers a request for a summary with one, anything else with an answer. */
const obliging: CallScript = ({ context }) =>
  batches(message(isSummary(context) ? 'They spoke of the code 8812.' : 'Done'));
const isSummary = (context: unknown): boolean => JSON.stringify(context).includes(ASKED);

async function prepared(): Promise<{ world: World; booted: Booted; last: string }> {
  const world = new World({ compaction: { strategy: 'model' } });
  const booted = world.boot();
  world.provider.follow(() => batches(message(`${FACT} ${FILLER}`)));
  let last = '';
  for (let n = 0; n < 3; n++) {
    const previous = last === '' ? {} : { previous_response_id: last };
    const response = await ask(booted.engine, { input: `Q${n}`, ...previous });
    await response.done;
    last = response.id;
  }
  world.provider.follow(obliging);
  return { world, booted, last };
}

async function turnOf({ stores: [store] }: Booted, id: string): Promise<readonly LogEvent[]> {
  const row = await store?.response(ACME.tenant, id as ResponseId);
  const session = row?.session ?? ('' as SessionId);
  const stored = await store?.events({ tenant: ACME.tenant, session, from: row?.fromSeq ?? 1, limit: 1000 });
  return (stored ?? []).map(one => decodeEvent({ tenant: ACME.tenant, session }, one));
}

const sent = (world: World): string => JSON.stringify(world.provider.calls.at(-1)?.context.flatMap(run => run.items));

describe('compaction by a model', () => {
  test('L5: is placed, reserved, metered and recorded, before the call that answers', async () => {
    const { world, booted, last } = await prepared();
    const response = await ask(booted.engine, { input: 'Go on', previous_response_id: last, stream: true, ...MANAGED });
    const live = await read(response.events());
    const resource = await response.done;
    expect(live.flatMap(validateShown)).toEqual([]);
    expect(resource.output.map(item => item.type)).toEqual(['compaction', 'message']);
    // Both calls count.
    expect(resource.usage).toMatchObject({ input_tokens: 20, output_tokens: 10 });
    const events = await turnOf(booted, response.id);
    expect(events.map(({ type }) => type)).toEqual([
      'input.accepted',
      'turn.started',
      'call.placed',
      'call.completed',
      'context.compacted',
      'call.placed',
      'call.completed',
      'turn.completed',
    ]);
    const purposes = events.flatMap(event => (event.type === 'call.placed' ? [event.head.purpose] : []));
    expect(purposes).toEqual(['compaction', 'turn']);
    for (const event of events) if (event.type === 'call.placed') expect(event.head.reserved.input).toBeGreaterThan(0);
    expect(sent(world)).toContain('They spoke of the code 8812.');
    expect(sent(world)).toContain('Go on');
    expect(sent(world)).not.toContain(FILLER);
    expect(await read(await booted.engine.stream(ACME, response.id, -1))).toEqual(live);
    expect(await booted.engine.response(ACME, response.id)).toEqual(resource);
  });

  test('one that fails is tried once more, elsewhere, and then done without a model', async () => {
    const { world, booted, last } = await prepared();
    const asked: string[] = [];
    world.provider.follow((call, n) => {
      if (!isSummary(call.context)) return obliging(call, n);
      asked.push(call.upstream.target);
      return thenFail(message('Half').slice(0, 3), failure('upstream_error', { retryable: true, status: 500 }));
    });
    const response = await ask(booted.engine, { input: 'Go on', previous_response_id: last, ...MANAGED });
    const resource = await response.done;
    expect(resource.output.map(item => item.type)).toEqual(['compaction', 'message']);
    expect(new Set(asked).size).toBe(2);
    expect(sent(world)).toContain(FACT);
    expect(sent(world)).not.toContain('Half');
    expect((await turnOf(booted, response.id)).filter(({ type }) => type === 'call.failed')).toHaveLength(2);
  });

  test('L5: one that is cancelled once it was asked counts at its bound', async () => {
    const { world, booted, last } = await prepared();
    world.provider.follow((call, n) => (isSummary(call.context) ? thenHang([], call) : obliging(call, n)));
    const more = { previous_response_id: last, background: true, ...MANAGED };
    const response = await ask(booted.engine, { input: 'Go on', ...more });
    await until(() => isSummary(world.provider.calls.at(-1)?.context), 'the summary is asked for');
    await booted.engine.cancelResponse(ACME, response.id);
    const events = await turnOf(booted, response.id);
    expect(events.find(({ type }) => type === 'call.cancelled')).toMatchObject({ head: { metered: 'bound' } });
  });

  test('`compact` by a model: its usage is told, stored or not', async () => {
    const { booted, last } = await prepared();
    for (const store of [true, false]) {
      const input = { model: 'gpt', input: [], previous_response_id: last, store };
      const { resource, placement } = await booted.engine.compact({
        caller: ACME,
        request: input,
        labels: [],
        signal: new AbortController().signal,
      });
      expect(resource.usage.total_tokens).toBe(15);
      expect(placement).toMatch(/^plc_/);
      await until(() => booted.engine.busy === 0, 'the meter');
      const record = await booted.engine.placement(ACME, placement ?? '');
      expect(JSON.stringify(record)).toContain('"compaction"');
    }
  });

  const cuts: Cut[] = [1, 2, 3, 4].flatMap(at => (['before', 'after'] as const).map(when => ({ at, when })));
  test.each(cuts)(
    'a process that dies $when write $at leaves nothing undone: what was not compacted is done again',
    async cut => {
      const { world, last } = await prepared();
      world.pass(LIMITS.leaseMs + 1);
      const dying = new DyingStore(cut);
      const doomed = world.boot({ wrap: dying.wrap });
      const input = { input: 'Go on', previous_response_id: last, ...MANAGED };
      const begun = await ask(doomed.engine, input).catch(() => null);
      await (begun === null ? Promise.resolve() : begun.done.catch(() => undefined));
      world.pass(LIMITS.leaseMs + 1);
      const next = world.boot();
      await next.engine.recover();
      await until(() => next.engine.busy === 0, 'the end of what was taken up');
      const found = [...(world.data.get('local')?.responses.values() ?? [])].find(({ row }) => row.toSeq === 0);
      expect(found).toBeUndefined();
      if (begun === null) return;
      const response = await next.engine.response(ACME, begun.id);
      expect(response).toMatchObject({ status: 'completed', output: [{ type: 'compaction' }, { type: 'message' }] });
      expect((await turnOf(next, begun.id)).filter(({ type }) => type === 'context.compacted')).toHaveLength(1);
      await (await ask(next.engine, { input: 'And?', previous_response_id: begun.id })).done;
      expect(sent(world)).toContain('8812');
      expect(sent(world)).not.toContain(FILLER);
    },
  );
});
