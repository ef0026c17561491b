/** `compact` and `countInput`: what comes back, that it can be continued, and that it tells nobody else anything. */
import type { CompactedResponse, CompactResponse } from '@perdure/protocol';
import { parseCompactResponse } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import { target, home } from '../../placement/fixture.test-support.ts';
import type { Caller } from '../caller.ts';
import { batches, functionCall, message } from '../scripted-provider.test-support.ts';
import { ACME, ask, type Booted, codeOf, request, RIVAL, World } from '../world.test-support.ts';

const FILLER = 'Nothing of note was said in this sentence. '.repeat(200);
const FACT = 'The vault code is 8812.';

const sent = (world: World): string => JSON.stringify(world.provider.calls.at(-1)?.context.flatMap(run => run.items));

async function compact(
  { engine }: Booted,
  fields: { readonly [name: string]: unknown },
  caller: Caller = ACME,
): Promise<CompactedResponse> {
  const parsed = parseCompactResponse({ model: 'gpt', ...fields });
  if (!parsed.ok) throw parsed.error;
  const request: CompactResponse = parsed.value;
  const signal = new AbortController().signal;
  return (await engine.compact({ caller, request, labels: [], signal })).resource;
}

async function talk({ engine }: Booted, world: World): Promise<string> {
  let last = '';
  for (let n = 0; n < 3; n++) {
    world.provider.follow(() => batches(message(`${n === 0 ? FACT : ''} ${FILLER}`)));
    const previous = last === '' ? {} : { previous_response_id: last };
    const response = await ask(engine, { input: `Question ${n}`, ...previous });
    await response.done;
    last = response.id;
  }
  world.provider.follow(() => batches(message('Understood')));
  return last;
}

const INPUT = [
  { role: 'developer', content: 'Be brief.' },
  { role: 'user', content: 'What is the code?' },
  { role: 'assistant', content: `${FACT} ${FILLER}` },
  { role: 'user', content: 'Look it up again.' },
  { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{}' },
];

describe.each([true, false])('compact, stored: %s', store => {
  test('gives all user messages whole and in order, then one sealed item that holds the rest', async () => {
    const booted = new World().boot();
    const made = await compact(booted, { input: INPUT, store });
    expect(made.object).toBe('response.compaction');
    expect(made.output.map(item => item.type)).toEqual(['message', 'message', 'compaction']);
    expect(made.output.slice(0, 2)).toMatchObject([
      { role: 'user', content: [{ text: 'What is the code?' }] },
      { role: 'user', content: [{ text: 'Look it up again.' }] },
    ]);
    expect(JSON.stringify(made.output)).not.toContain('8812');
    expect(made.usage.total_tokens).toBe(0);
    expect(new Set(made.output.map(item => item.id)).size).toBe(3);
  });

  test('what it gives is the next input: instructions, facts and the open call are in it', async () => {
    const world = new World();
    const booted = world.boot();
    const { output } = await compact(booted, { input: INPUT, store });
    const answer = { type: 'function_call_output', call_id: 'c1', output: 'It is the same.' };
    for (const stored of [true, false]) {
      const input = [...output, answer];
      if (stored) await (await ask(booted.engine, { input })).done;
      else await drain(booted, input);
      for (const text of ['Be brief.', FACT, 'c1', 'It is the same.', 'Look it up again.'])
        expect(sent(world)).toContain(text);
      expect(sent(world)).not.toContain('pdr1.');
      expect(sent(world).length).toBeLessThan(20_000);
    }
    // Without its output the open call is missed.
    expect(await codeOf(ask(booted.engine, { input: output }))).toBe('tool_output_missing');
  });

  test('continues a stored response without changing what others see of it', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const made = await compact(booted, { previous_response_id: last, store });
    expect(made.output.map(item => item.type)).toEqual(['message', 'message', 'message', 'compaction']);
    expect(world.provider.calls).toHaveLength(3);
    await (await ask(booted.engine, { input: 'From before', previous_response_id: last })).done;
    expect(sent(world)).toContain(FILLER);
    expect(await codeOf(compact(booted, { previous_response_id: last, store }, RIVAL))).toBe(
      'previous_response_not_found',
    );
  });
});

async function drain({ engine }: Booted, input: unknown): Promise<void> {
  const signal = new AbortController().signal;
  const call = await engine.stateless({
    caller: ACME,
    request: request({ input, store: false }),
    extra: {},
    labels: [],
    signal,
  });
  await call.answer();
}

describe('a stored compaction', () => {
  test('is read back by its id and continued by it, here, in another process, and as a fork', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const made = await compact(booted, { previous_response_id: last });
    expect(await booted.engine.shownResponse(ACME, made.id)).toEqual(made);
    expect(await codeOf(booted.engine.shownResponse(RIVAL, made.id))).toBe('response_not_found');
    for (const engine of [booted.engine, booted.engine, world.boot().engine]) {
      world.pass(60_000);
      await (await ask(engine, { input: 'Go on', previous_response_id: made.id })).done;
      for (const text of [FACT, 'Question 0', 'Question 2', 'Go on']) expect(sent(world)).toContain(text);
      expect(sent(world)).not.toContain(FILLER);
    }
  });

  test('keeps calls open: their outputs can follow it, also in a fork', async () => {
    const world = new World();
    const booted = world.boot();
    world.provider.follow(() => batches(functionCall('c7')));
    const called = await ask(booted.engine, { input: 'Look' });
    await called.done;
    const made = await compact(booted, { previous_response_id: called.id });
    world.provider.follow(() => batches(message('Seen')));
    const input = [{ type: 'function_call_output', call_id: 'c7', output: 'found' }];
    for (let n = 0; n < 2; n++) {
      await (await ask(booted.engine, { input, previous_response_id: made.id })).done;
      expect(sent(world)).toMatch(/c7.*found/);
    }
    expect(await codeOf(ask(booted.engine, { input: 'No output', previous_response_id: made.id }))).toBe(
      'tool_output_missing',
    );
  });

  test('can be deleted, and what was before it stays', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const made = await compact(booted, { previous_response_id: last });
    await booted.engine.deleteResponse(ACME, made.id);
    expect(await codeOf(booted.engine.shownResponse(ACME, made.id))).toBe('response_not_found');
    await (await ask(booted.engine, { input: 'Go on', previous_response_id: last })).done;
    expect(sent(world)).toContain(FILLER);
  });
});

describe('sealed content', () => {
  test('L10: of another tenant, changed, or of another version is refused before anything is called', async () => {
    const world = new World();
    const booted = world.boot();
    const { output } = await compact(booted, { input: INPUT.slice(0, 3), store: false });
    const item = output.at(-1) as { readonly encrypted_content: string };
    const seal = item.encrypted_content;
    const flipped = `${seal.slice(0, -3)}${seal.at(-3) === 'A' ? 'B' : 'A'}${seal.slice(-2)}`;
    const others: readonly [Caller, string][] = [
      [RIVAL, seal],
      [ACME, flipped],
      [ACME, seal.replace('pdr1.', 'pdr2.')],
      [ACME, 'pdr1.'],
      [ACME, seal.slice(0, 20)],
    ];
    for (const [caller, encrypted_content] of others) {
      const input = [
        { type: 'compaction', encrypted_content },
        { role: 'user', content: 'Go on' },
      ];
      expect(await codeOf(ask(booted.engine, { input }, { caller }))).toBe('invalid_encrypted_content');
      expect(await codeOf(compact(booted, { input, store: false }, caller))).toBe('invalid_encrypted_content');
    }
    expect(world.provider.calls).toEqual([]);
  });

  test('of another provider is passed on as it came', async () => {
    const world = new World();
    const booted = world.boot();
    const input = [
      { type: 'compaction', encrypted_content: 'gAAAAAB-theirs' },
      { role: 'user', content: 'Go on' },
    ];
    await (await ask(booted.engine, { input })).done;
    expect(sent(world)).toContain('gAAAAAB-theirs');
    const made = await compact(booted, { input, store: false });
    await (await ask(booted.engine, { input: [...made.output, { role: 'user', content: 'On' }] })).done;
    expect(sent(world)).toContain('gAAAAAB-theirs');
  });

  test('added to a conversation is opened for the model, and sealed again for who lists it', async () => {
    const world = new World();
    const booted = world.boot();
    const { output } = await compact(booted, { input: INPUT.slice(0, 3), store: false });
    const { id } = await booted.engine.conversations.create(ACME, [], {});
    const added = await booted.engine.conversations.addItems(ACME, id, [...output]);
    expect(added.at(-1)).toMatchObject({
      type: 'compaction',
      encrypted_content: expect.stringMatching(/^pdr1\./) as string,
    });
    expect(JSON.stringify(added)).not.toContain('8812');
    await (await ask(booted.engine, { input: 'Go on', conversation: id })).done;
    expect(sent(world)).toContain(FACT);
  });
});

describe('store: false', () => {
  test('a context past its threshold is compacted, shown, and what is shown replaces it', async () => {
    const world = new World();
    const booted = world.boot();
    const input = [...INPUT.slice(0, 3), { role: 'user', content: 'And now?' }];
    const context_management = [{ type: 'compaction', compact_threshold: 1500 }];
    const call = await booted.engine.stateless({
      caller: ACME,
      request: request({ input, store: false, context_management }),
      extra: {},
      labels: [],
      signal: new AbortController().signal,
    });
    const steps = await call.answer();
    expect(steps.flatMap(step => (step.type === 'item' ? [[step.index, step.item.type]] : []))).toEqual([
      [0, 'compaction'],
      [1, 'message'],
    ]);
    for (const text of ['Be brief.', FACT, 'And now?']) expect(sent(world)).toContain(text);
    expect(sent(world)).not.toContain(FILLER);
    const local = JSON.stringify([...(world.data.get('local')?.sessions.values() ?? [])].map(one => one.events));
    expect(local).not.toContain('8812');
  });

  test('continues a stored response, and takes its open calls', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const call = await booted.engine.stateless({
      caller: ACME,
      request: request({ input: 'And now?', store: false, previous_response_id: last }),
      extra: {},
      labels: [],
      signal: new AbortController().signal,
    });
    await call.answer();
    expect(sent(world)).toContain(FACT);
    expect(sent(world)).toContain('And now?');
  });
});

describe('counting', () => {
  test('counts what would be sent, what came before included; stores nothing and calls nobody', async () => {
    const world = new World();
    const booted = world.boot();
    const last = await talk(booted, world);
    const calls = world.provider.calls.length;
    const writes = JSON.stringify(world.data.get('local')?.sessions.size);
    const alone = await booted.engine.countInput(ACME, request({ input: 'Next' }));
    const whole = await booted.engine.countInput(ACME, request({ input: 'Next', previous_response_id: last }));
    expect(whole).toBeGreaterThan(alone + (3 * FILLER.length) / 3);
    expect(
      await booted.engine.countInput(ACME, request({ input: 'Next', instructions: 'x'.repeat(300) })),
    ).toBeGreaterThan(alone + 99);
    expect(world.provider.calls).toHaveLength(calls);
    expect(JSON.stringify(world.data.get('local')?.sessions.size)).toBe(writes);
    // What was counted is what is sent.
    let sending = 0;
    world.provider.onCall = async ({ context, settings }) => {
      sending = world.provider.estimateInput(context, settings);
    };
    await (await ask(booted.engine, { input: 'Next', previous_response_id: last })).done;
    expect(sending).toBe(whole);
    expect(await codeOf(booted.engine.countInput(RIVAL, request({ previous_response_id: last })))).toBe(
      'previous_response_not_found',
    );
    expect(await codeOf(booted.engine.countInput(ACME, request({ model: 'no-such' })))).toBe('model_not_found');
  });

  test('what is cut to fit the window is counted as it would be sent', async () => {
    const world = new World({ places: [target('up-1', 'local', { contextTokens: 3000 }), home('local', 'local')] });
    const booted = world.boot();
    const input = [
      { role: 'user', content: FILLER },
      { role: 'user', content: 'Next' },
    ];
    expect(await booted.engine.countInput(ACME, request({ input }))).toBeGreaterThan(2500);
    const cut = await booted.engine.countInput(ACME, request({ input, truncation: 'auto', max_output_tokens: 1000 }));
    expect(cut).toBeLessThan(200);
  });
});
