/** Compaction in stored turns: what the model sees after it, what is read back, what a failure, a fork or a deletion undoes. */
import { describe, expect, test } from 'vitest';
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import type { LogEvent } from '../../log/events.ts';
import { home, target } from '../../placement/fixture.test-support.ts';
import { validateShown } from '../../session/open-responses.test-support.ts';
import { batches, failure, functionCall, message, thenFail } from '../scripted-provider.test-support.ts';
import { ACME, ask, type Booted, codeOf, read, request, World, type WorldOptions } from '../world.test-support.ts';

const FACT = 'The vault code is 8812 and Ada Lovelace keeps it.';
const FILLER = 'Nothing of note was said in this sentence. '.repeat(60);
const MANAGED = { context_management: [{ type: 'compaction', compact_threshold: 1500 }] };

const sent = (world: World): string => JSON.stringify(world.provider.calls.at(-1)?.context.flatMap(run => run.items));

function windowed(tokens: number, more: Partial<WorldOptions> = {}): World {
  return new World({ places: [target('up-1', 'local', { contextTokens: tokens }), home('local', 'local')], ...more });
}

/** A conversation of `turns` turns, the fact in its first answer. Gives the last id. */
async function talk({ engine }: Booted, world: World, turns = 4): Promise<string> {
  let last: string | undefined;
  for (let n = 0; n < turns; n++) {
    world.provider.follow(() => batches(message(n === 0 ? `${FACT} ${FILLER}` : FILLER)));
    const previous = last === undefined ? {} : { previous_response_id: last };
    const response = await ask(engine, { input: `Question ${n}`, ...previous });
    await response.done;
    last = response.id;
  }
  world.provider.follow(() => batches(message('Understood')));
  return last ?? '';
}

async function logOf({ stores: [store] }: Booted, id: string): Promise<readonly LogEvent[]> {
  const row = await store?.response(ACME.tenant, id as ResponseId);
  const session = row?.session ?? ('' as SessionId);
  const stored = await store?.events({ tenant: ACME.tenant, session, from: 1, limit: 1000 });
  return (stored ?? []).map(one => decodeEvent({ tenant: ACME.tenant, session }, one));
}

describe('a turn past its threshold', () => {
  test('compacts first: the model sees the facts and not the rest, and the output shows the compaction', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const response = await ask(booted.engine, {
      input: 'Who keeps it?',
      previous_response_id: last,
      stream: true,
      ...MANAGED,
    });
    const live = await read(response.events());
    const resource = await response.done;
    expect(live.flatMap(validateShown)).toEqual([]);
    expect(resource.output.map(item => item.type)).toEqual(['compaction', 'message']);
    expect(sent(world)).toContain(FACT);
    expect(sent(world)).toContain('Who keeps it?');
    expect(sent(world).length).toBeLessThan(5_000);
    expect(JSON.stringify(resource.output)).not.toContain('8812');
    // O1: read back byte for byte, here and in another process.
    expect(await booted.engine.response(ACME, response.id)).toEqual(resource);
    expect(await read(await booted.engine.stream(ACME, response.id, -1))).toEqual(live);
    expect(await read(await world.boot().engine.stream(ACME, response.id, -1))).toEqual(live);
    expect(live.map(json => (JSON.parse(json) as { sequence_number: number }).sequence_number)).toEqual(
      live.map((_, i) => i),
    );
  });

  test('L11: the turn after it, in another process, is sent the compaction and what came since; nothing before it is read', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world, 6);
    const compacted = await ask(booted.engine, { input: 'Go on', previous_response_id: last, ...MANAGED });
    await compacted.done;
    world.pass(60_000);
    const ranges: number[] = [];
    const watched = world.boot({
      wrap: store => ({
        ...store,
        events: range => {
          ranges.push(range.from);
          return store.events(range);
        },
      }),
    });
    await (await ask(watched.engine, { input: 'And now?', previous_response_id: compacted.id })).done;
    for (const text of [FACT, 'Go on', 'Understood', 'And now?']) expect(sent(world)).toContain(text);
    expect(sent(world).length).toBeLessThan(5_000);
    const first = Math.min(...ranges);
    const log = await logOf(watched, compacted.id);
    expect(first).toBeGreaterThanOrEqual(
      log.findLast(event => event.type === 'input.accepted' && event.head.response === compacted.id)?.seq ?? 0,
    );
  });

  test('raw items stay in the log: the input of each response is read back as it was', async () => {
    const world = new World();
    const booted = world.boot();
    const { id } = await booted.engine.conversations.create(ACME, [], {});
    world.provider.follow(() => batches(message(`${FACT} ${FILLER}`)));
    for (let n = 0; n < 3; n++) await (await ask(booted.engine, { input: `Q${n}`, conversation: id })).done;
    const response = await ask(booted.engine, { input: 'Q3', conversation: id, ...MANAGED });
    await response.done;
    const { items } = await booted.engine.conversations.listItems(ACME, id, { order: 'asc', limit: 100 });
    expect(items.map(item => item.type)).toEqual([...Array(7).fill('message'), 'compaction', 'message']);
    expect(JSON.stringify(items.slice(0, 7))).toContain(FILLER);
    const compaction = items.find(item => item.type === 'compaction');
    expect(compaction).toMatchObject({ encrypted_content: expect.stringMatching(/^pdr1\./) as string });
    expect(compaction).not.toHaveProperty('items');
    expect(await booted.engine.conversations.readItem(ACME, id, compaction?.id ?? '')).toEqual(compaction);
    expect((await response.done).output[0]).toEqual(compaction);
    expect(await booted.engine.inputItems(ACME, response.id)).toMatchObject([{ content: [{ text: 'Q3' }] }]);
  });

  test('S3: one that fails leaves the context as it was before', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    world.provider.follow(() => thenFail([], failure('upstream_rejected', { status: 400 })));
    const failed = await ask(booted.engine, { input: 'Fails', previous_response_id: last, ...MANAGED });
    expect(await codeOf(failed.done)).toBe('upstream_rejected');
    for (const engine of [booted.engine, world.boot().engine]) {
      world.pass(60_000);
      world.provider.follow(() => thenFail([], failure('upstream_rejected', { status: 400 })));
      await codeOf((await ask(engine, { input: 'Whole', previous_response_id: last })).done);
      expect(sent(world)).toContain(FILLER);
      expect(sent(world)).not.toContain('Fails');
    }
  });

  test('a fork from before it sees what was there; one from after it goes on from it', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const first = await ask(booted.engine, { input: 'One', previous_response_id: last, ...MANAGED });
    await first.done;
    const second = await ask(booted.engine, { input: `Two ${FILLER}`, previous_response_id: first.id });
    await second.done;
    const third = await ask(booted.engine, { input: `Three ${FILLER}`, previous_response_id: second.id, ...MANAGED });
    await third.done;
    expect((await third.done).output[0]?.type).toBe('compaction');
    for (const engine of [booted.engine, world.boot().engine]) {
      world.pass(60_000);
      await (await ask(engine, { input: 'Before', previous_response_id: last })).done;
      expect(sent(world)).toContain(FILLER);
      expect(sent(world)).not.toMatch(/One|Two|Three/);
      const fork = await ask(engine, { input: 'After one', previous_response_id: first.id });
      await fork.done;
      expect(sent(world)).toContain(FACT);
      expect(sent(world)).toContain('One');
      expect(sent(world)).not.toContain(FILLER);
      // The fork goes on from what its parent compacted, and compacts again.
      await (await ask(engine, { input: 'On', previous_response_id: fork.id })).done;
      expect(sent(world)).not.toContain(FILLER);
      expect(sent(world)).toContain('After one');
    }
  });

  test('both sides of the threshold: one token less and it compacts', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world, 2);
    const next = { input: 'Next', previous_response_id: last };
    const tokens = await booted.engine.countInput(ACME, request(next));
    expect(tokens).toBeGreaterThan(1000);
    const at = (threshold: number) => ({ context_management: [{ type: 'compaction', compact_threshold: threshold }] });
    const above = await (await ask(booted.engine, { ...next, ...at(tokens + 1) })).done;
    const below = await (await ask(booted.engine, { ...next, ...at(tokens) })).done;
    expect([above, below].map(({ output }) => output[0]?.type)).toEqual(['message', 'compaction']);
  });

  test('an open call and its output stay together, whatever is dropped', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    world.provider.follow(() => batches(functionCall('c1', '{"q":"x"}')));
    const calls = await ask(booted.engine, { input: 'Look', previous_response_id: last });
    await calls.done;
    world.provider.follow(() => batches(message('Seen')));
    const output = { type: 'function_call_output', call_id: 'c1', output: 'found' };
    await (await ask(booted.engine, { input: [output], previous_response_id: calls.id, ...MANAGED })).done;
    const types = world.provider.calls.at(-1)?.context.flatMap(run => run.items.map(item => item.type)) ?? [];
    expect(types.filter(type => type.startsWith('function_call'))).toEqual(['function_call', 'function_call_output']);
  });

  test('an item deleted from a conversation is gone from what the model sees, also where it was compacted', async () => {
    const world = new World();
    const booted = world.boot();
    const { id } = await booted.engine.conversations.create(ACME, [], {});
    world.provider.follow(() => batches(message(FILLER)));
    await (await ask(booted.engine, { input: `Remember: ${FACT}`, conversation: id })).done;
    for (let n = 0; n < 3; n++) await (await ask(booted.engine, { input: `Q${n}`, conversation: id })).done;
    await (await ask(booted.engine, { input: 'Compact', conversation: id, ...MANAGED })).done;
    expect(sent(world)).toContain('8812');
    const { items } = await booted.engine.conversations.listItems(ACME, id, { order: 'asc', limit: 1 });
    await booted.engine.conversations.deleteItem(ACME, id, items[0]?.id ?? '');
    await (await ask(booted.engine, { input: 'Still?', conversation: id })).done;
    expect(sent(world)).not.toContain('8812');
    expect(sent(world)).toContain(FILLER);
    // L13: the extract of it goes with it.
    const kept = { tenant: ACME.tenant, session: id.replace('conv_', 'sess_') as SessionId };
    const log = (await booted.stores[0]?.events({ ...kept, from: 1, limit: 1000 })) ?? [];
    expect(
      log.map(event => decodeEvent(kept, event)).filter(event => event.type === 'context.compacted'),
    ).toMatchObject([{ payload: null }]);
  });
});

describe('the trigger', () => {
  test('compacts and then answers what comes with it; it is never kept', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const input = [{ role: 'user', content: 'Answer me' }, { type: 'compaction_trigger' }];
    const response = await ask(booted.engine, { input, previous_response_id: last });
    expect((await response.done).output.map(item => item.type)).toEqual(['compaction', 'message']);
    expect(sent(world)).toContain(FACT);
    expect(sent(world)).not.toContain('compaction_trigger');
    expect(JSON.stringify(await logOf(booted, response.id))).not.toContain('compaction_trigger');
    expect(await booted.engine.inputItems(ACME, response.id)).toHaveLength(1);
  });

  test('alone it compacts and calls nobody; the next turn goes on from there', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const before = world.provider.calls.length;
    const response = await ask(booted.engine, {
      input: [{ type: 'compaction_trigger' }],
      previous_response_id: last,
      stream: true,
    });
    const live = await read(response.events());
    const resource = await response.done;
    expect(live.flatMap(validateShown)).toEqual([]);
    expect(resource).toMatchObject({ status: 'completed', usage: null, output: [{ type: 'compaction' }] });
    expect(world.provider.calls).toHaveLength(before);
    expect(response.placement).toBeNull();
    expect(await read(await booted.engine.stream(ACME, response.id, -1))).toEqual(live);
    await (await ask(booted.engine, { input: 'Go on', previous_response_id: response.id })).done;
    expect(sent(world)).toContain(FACT);
    expect(sent(world).length).toBeLessThan(25_000);
  });
});

describe('a window that is known', () => {
  test('`disabled`, both sides: what does not fit is refused before anything is stored or called', async () => {
    const probe = windowed(100_000).boot();
    const tokens = await probe.engine.countInput(ACME, request({ input: FILLER }));
    const fits = windowed(tokens + 1);
    await (await ask(fits.boot().engine, { input: FILLER })).done;
    const world = windowed(tokens);
    const booted = world.boot();
    expect(await codeOf(ask(booted.engine, { input: FILLER }))).toBe('context_length_exceeded');
    expect(world.provider.calls).toEqual([]);
    expect(world.data.get('local')?.responses.size).toBe(0);
  });

  test('`auto` drops the oldest items from what is sent, and nothing from the log', async () => {
    const world = windowed(3_000);
    const booted = world.boot();
    world.provider.follow((_, n) => batches(message(`answer ${n} ${FILLER}`)));
    const { id } = await booted.engine.conversations.create(
      ACME,
      [{ type: 'message', role: 'system', status: 'completed', content: [{ type: 'input_text', text: 'Be brief' }] }],
      {},
    );
    for (let n = 0; n < 5; n++)
      await (await ask(booted.engine, { input: `Q${n}`, conversation: id, truncation: 'auto', max_output_tokens: 100 }))
        .done;
    expect(sent(world)).toContain('Q4');
    expect(sent(world)).toContain('Be brief');
    expect(sent(world)).not.toContain('Q0');
    const { items } = await booted.engine.conversations.listItems(ACME, id, { order: 'asc', limit: 100 });
    expect(JSON.stringify(items)).toContain('Q0');
    expect(await codeOf(ask(booted.engine, { input: 'Whole', conversation: id }))).toBe('context_length_exceeded');
  });

  test('the server compacts by itself at its share of the window, stored turns only', async () => {
    const world = windowed(4_000, { compaction: { at: 50 } });
    const booted = world.boot();
    world.provider.follow((_, n) => batches(message(`answer ${n} ${FILLER}`)));
    let last: string | undefined;
    const shown: (string | undefined)[] = [];
    for (let n = 0; n < 6; n++) {
      const response = await ask(booted.engine, {
        input: `Q${n}`,
        ...(last !== undefined && { previous_response_id: last }),
      });
      shown.push((await response.done).output[0]?.type);
      last = response.id;
    }
    expect(shown).toContain('compaction');
    expect(shown[0]).toBe('message');
  });
});
