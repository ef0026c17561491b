import { expect, test } from 'vitest';
import { type Answer, answerTo } from './answer.ts';
import { type Prompt, promptFrom, type ToolDefinition, type Turn } from './prompt.ts';
import { countTokens } from './tokens.ts';

const user = (text: string): Turn => ({ speaker: 'user', text });
const assistant = (text: string): Turn => ({ speaker: 'assistant', text });
const system = (text: string): Turn => ({ speaker: 'system', text });

const ask = (turns: readonly Turn[], more: Partial<Prompt> = {}): Answer =>
  answerTo(
    promptFrom({
      cloud: 'aws',
      turns,
      tools: [],
      toolChoice: { kind: 'auto' },
      parallelCalls: true,
      format: { kind: 'text' },
      maxTokens: null,
      stop: [],
      attachmentTokens: 0,
      ...more,
    }),
  );
const say = (turns: readonly Turn[], more: Partial<Prompt> = {}): string => {
  const part = ask(turns, more).parts.find(each => each.kind === 'text');
  return part?.kind === 'text' ? part.text : '';
};
const sent = (sentence: string): string => `[emulated aws] From what I was sent: "${sentence}"`;
const NOTHING = '[emulated aws] Nothing that I was sent answers that.';

const facts = [
  user('My dog is called Rex. My cat is called Tom.'),
  assistant('[emulated aws] Noted: "My dog is called Rex. My cat is called Tom.".'),
];

test('the question is answered with the sentence of the context that matches it best', () => {
  expect(say([...facts, user('What is my dog called?')])).toBe(sent('My dog is called Rex.'));
  expect(say([...facts, user('What is my cat called?')])).toBe(sent('My cat is called Tom.'));
});

test('what was not sent is not known', () => {
  expect(say([user('What is my dog called?')])).toBe(NOTHING);
  expect(say([...facts, user('Where is the lighthouse?')])).toBe(NOTHING);
});

test('a rare word weighs more than a common one', () => {
  const depots = [user('A zebra sleeps here.'), user('The first depot is new.'), user('The second depot is old.')];
  expect(say([...depots, user('Which depot has a zebra?')])).toBe(sent('A zebra sleeps here.'));
});

test('of two sentences that match as well, the later one wins', () => {
  expect(say([user('The code is 17.'), user('The code is 42.'), user('What is the code?')])).toBe(
    sent('The code is 42.'),
  );
});

test('instructions, function outputs and other sentences of the message are context', () => {
  expect(say([system('The office is in Oslo.'), user('Where is the office?')])).toBe(sent('The office is in Oslo.'));
  expect(say([user('The office is in Rome. Where is the office?')])).toBe(sent('The office is in Rome.'));
  const called: Turn[] = [
    { speaker: 'call', callId: 'c', name: 'lookup', text: '{}' },
    { speaker: 'output', callId: 'c', name: 'lookup', text: 'The depot holds 12 crates.' },
  ];
  expect(say([user('look it up'), ...called, assistant('ok'), user('What does the depot hold?')])).toBe(
    sent('The depot holds 12 crates.'),
  );
});

test('an earlier question answers nothing, nor does an earlier answer that knew nothing', () => {
  expect(say([user('What is my dog called?'), assistant(NOTHING), user('What is my dog called?')])).toBe(NOTHING);
});

test('an answer is never quoted within an answer', () => {
  const first = say([...facts, user('What is my dog called?')]);
  expect(say([assistant(first), user('What is my dog called?')])).toBe(sent('My dog is called Rex.'));
});

test('what others said wins over what the emulator repeated', () => {
  const long = `The harbour master of ${'very '.repeat(20)}far Bergen is called Ingrid.`;
  const noted = say([user(long)]);
  expect(say([user(long), assistant(noted), user('What is the harbour master called?')])).toBe(sent(long));
});

test('a statement is noted, its first 80 characters', () => {
  expect(say([user('My dog is called Rex.')])).toBe('[emulated aws] Noted: "My dog is called Rex.".');
  expect(say([user('x'.repeat(81))])).toBe(`[emulated aws] Noted: "${'x'.repeat(80)}".`);
  expect(say([user(`${'x'.repeat(79)}😀`)])).toBe(`[emulated aws] Noted: "${'x'.repeat(79)}".`);
});

test('a request that opens like a question is one without its mark', () => {
  expect(say([...facts, user('Tell me what my dog is called.')])).toBe(sent('My dog is called Rex.'));
});

test('no user message at all is answered too', () => {
  expect(say([system('Be kind.')])).toBe(NOTHING);
});

const tool = (name: string, properties: object, requiredNames?: string[]): ToolDefinition => ({
  type: 'function',
  name,
  description: null,
  parameters: { type: 'object', properties, ...(requiredNames === undefined ? {} : { required: requiredNames }) },
  strict: null,
});
const weather = tool('get_weather', { city: { type: 'string' }, days: { type: 'integer', minimum: 1 } }, ['city']);
const lookup = tool('lookup', { id: { type: 'integer' } });
const tools = [weather, lookup];
const callsOf = (answer: Answer): [string, unknown][] =>
  answer.parts.map(part => (part.kind === 'call' ? [part.name, JSON.parse(part.arguments)] : ['', part]));

test('a named tool is called with the values that the message names, or with defaults', () => {
  expect(callsOf(ask([user('Use get_weather city="New York" days=3, please.')], { tools }))).toEqual([
    ['get_weather', { city: 'New York', days: 3 }],
  ]);
  expect(callsOf(ask([user('Use get_weather.')], { tools }))).toEqual([['get_weather', { city: 'emulated city' }]]);
  expect(callsOf(ask([user('Use get_weather {"city": "a } b", "days": "wrong"} now')], { tools }))).toEqual([
    ['get_weather', { city: 'a } b', days: 'wrong' }],
  ]);
});

test('several named tools are called in their order, or only the first of them', () => {
  const text = user('lookup id=7, then get_weather city=Oslo, then lookup id=8.');
  const expected = [
    ['lookup', { id: 7 }],
    ['get_weather', { city: 'Oslo' }],
    ['lookup', { id: 8 }],
  ];
  expect(callsOf(ask([text], { tools }))).toEqual(expected);
  expect(callsOf(ask([text], { tools, parallelCalls: false }))).toEqual(expected.slice(0, 1));
});

test('a tool is called only where its name stands as a word, and never against the choice', () => {
  expect(say([user('The get_weather_map is nice.')], { tools })).toContain('Noted');
  expect(say([user('Use lookup.')], { tools, toolChoice: { kind: 'none' } })).toContain('Noted');
  expect(callsOf(ask([user('Hello.')], { tools, toolChoice: { kind: 'required' } }))[0]?.[0]).toBe('get_weather');
  expect(
    callsOf(ask([user('Use get_weather.')], { tools, toolChoice: { kind: 'named', name: 'lookup' } }))[0]?.[0],
  ).toBe('lookup');
});

test.each([
  ['Result of the call c of lookup, which was pending:\nfine', ''],
  ['Result of the call c of lookup, which is pending:\nfine', 'lookup'],
])('%j is a result that came late, or asks for the tool', (text, called) => {
  expect(callsOf(ask([user(text)], { tools }))[0]?.[0]).toBe(called);
});

const round: Turn[] = [
  { speaker: 'call', callId: 'c', name: 'lookup', text: '{}' },
  { speaker: 'output', callId: 'c', name: 'lookup', text: 'y'.repeat(201) },
];

test('the outputs of tools are reported, their first 200 characters', () => {
  expect(say([user('lookup'), ...round], { tools })).toBe(
    `[emulated aws] The tool lookup returned: "${'y'.repeat(200)}".`,
  );
});

test('rounds: the tools are called that many times before the answer', () => {
  const asked = user('lookup [[rounds: 3]]');
  expect(callsOf(ask([asked, ...round, ...round], { tools }))).toEqual([['lookup', { id: 1 }]]);
  expect(say([asked, ...round, ...round, ...round], { tools })).toContain('The tool lookup returned');
});

test('words and bytes give the answer that size exactly, and it says emulated', () => {
  for (const amount of [3, 500]) expect(say([user(`Go on [[words: ${amount}]]`)]).split(' ')).toHaveLength(amount);
  for (const amount of [64, 10_000]) expect(Buffer.byteLength(say([user(`[[bytes: ${amount}]]`)]))).toBe(amount);
  expect(say([user('[[words: 20]]')])).toMatch(/^\[emulated aws\] [ -~]+$/);
});

test('directives are neither echoed nor matched, in whatever message they stand', () => {
  expect(say([user('Hi [[latency: 1]]')])).toBe('[emulated aws] Noted: "Hi".');
  expect(say([user('The code[[words: 5]] is 9.'), user('What is the code?')])).toBe(sent('The code is 9.'));
  expect(say([user('See [[page]]')])).toBe('[emulated aws] Noted: "See [[page]]".');
});

test('usage counts all that was sent and the answer', () => {
  const turns = [system('Be brief.'), user('Hi there.')];
  const { usage, parts } = ask(turns);
  expect(usage).toEqual({
    input: countTokens('Be brief.') + countTokens('Hi there.'),
    cached: 0,
    written: 0,
    output: countTokens(say(turns)),
    reasoning: 0,
  });
  expect(parts).toHaveLength(1);
  expect(ask(turns, { tools }).usage.input).toBeGreaterThan(usage.input);
});

test('cached: what came before the question, or the number given, never more than was sent', () => {
  const before = system('Be brief and kind.');
  expect(ask([before, user('Hi [[cached]]')]).usage.cached).toBe(countTokens('Be brief and kind.'));
  expect(ask([before, user('Hi [[cached: 2]]')]).usage.cached).toBe(2);
  const { usage } = ask([before, user('Hi [[cached: 9999]]')]);
  expect(usage.cached).toBe(usage.input);
});

test('cache writes: the number given, never more than was sent and not cached', () => {
  expect(ask([user('Hi there. [[cache-write: 2]]')]).usage).toMatchObject({ cached: 0, written: 2 });
  const { usage } = ask([user('Hi there. [[cached: 1]] [[cache-write: 9999]]')]);
  expect(usage.written).toBe(usage.input - 1);
});

test('the token bound cuts the answer at exactly that many', () => {
  const whole = ask([user('Hello.')]);
  const { output } = whole.usage;
  expect(ask([user('Hello.')], { maxTokens: output })).toEqual(whole);
  const cut = ask([user('Hello.')], { maxTokens: output - 1 });
  expect(cut.finish).toBe('length');
  expect(cut.usage.output).toBe(output - 1);
  expect(cut.parts[0]).toMatchObject({ kind: 'text', cut: true });
});

test('reasoning is a part of its own, and counts within the bound', () => {
  const answer = ask([user('Hello. [[reasoning: 30]]')]);
  expect(answer.parts.map(part => part.kind)).toEqual(['reasoning', 'text']);
  expect(answer.usage.reasoning).toBe(30);
  const cut = ask([user('Hello. [[reasoning: 30]]')], { maxTokens: 20 });
  expect(cut).toMatchObject({ finish: 'length', usage: { reasoning: 20, output: 20 } });
  expect(cut.parts).toMatchObject([{ kind: 'reasoning', cut: true }]);
});

test('a call that is cut has unfinished arguments', () => {
  const cut = ask([user('lookup id=12345678')], { tools, maxTokens: 4 });
  expect(cut.finish).toBe('length');
  expect(cut.parts).toEqual([{ kind: 'call', type: 'function', name: 'lookup', arguments: '{"id"', cut: true }]);
});

test('a schema is filled, an object is one, and a stop sequence ends the text', () => {
  const schema = { type: 'object', properties: { note: { type: 'string' } } };
  expect(JSON.parse(say([user('Hi')], { format: { kind: 'json-schema', schema } }))).toEqual({ note: 'emulated note' });
  expect(JSON.parse(say([user('Hi json')], { format: { kind: 'json-object' } }))).toMatchObject({ emulated: true });
  expect(say([user('Hi')], { stop: ['zzz', 'oted'] })).toBe('[emulated aws] N');
});

test('steps: later calls wait for the outputs of earlier ones, and may name what is in them', () => {
  const make: ToolDefinition = { type: 'function', name: 'make', description: null, parameters: {}, strict: null };
  const tools = [make, { ...make, name: 'wait' }];
  const asked = user(
    'Use make {"task":"wait {\\"a\\":1}"} and make {"task":"b"} >>> wait {"ids":["{{1.id}}","{{2.id}}","{{3.id}}"]}',
  );
  const named = (...turns: readonly Turn[]): readonly string[] =>
    ask([asked, ...turns], { tools }).parts.map(part =>
      part.kind === 'call' ? `${part.name} ${part.arguments}` : part.kind,
    );
  expect(named()).toEqual(['make {"task":"wait {\\"a\\":1}"}', 'make {"task":"b"}']);
  const outputs = ['one', 'two'].flatMap((id): Turn[] => [
    { speaker: 'call', callId: id, name: 'make', text: '{}' },
    { speaker: 'output', callId: id, name: 'make', text: `{"id":"${id}"}` },
  ]);
  expect(named(...outputs)).toEqual(['wait {"ids":["one","two","{{3.id}}"]}']);
  expect(named(...outputs, { speaker: 'output', callId: 'w', name: 'wait', text: 'done' })).toEqual(['text']);
});

test('an enum takes the value that is chosen, if exactly one of its values is; else its first', () => {
  const properties = { verdict: { enum: ['deny', 'permit', 'ask'] }, level: { enum: [1, 'low', 'high'] } };
  const format = { kind: 'json-schema', schema: { type: 'object', properties } } as const;
  const said = (text: string): unknown => JSON.parse(say([user('[[choose: ask]]'), user(text)], { format }));
  expect(said('May it run? [[choose: permit]]')).toEqual({ verdict: 'permit', level: 1 });
  expect(said('[[choose: permit]] [[choose: high]]')).toEqual({ verdict: 'permit', level: 'high' });
  for (const text of [
    'permit',
    '[[choose: permit]] [[choose: ask]]',
    '[[choose: Permit]]',
    '[[choose: permitted]]',
    '[[choose: 1]]',
  ])
    expect(said(text)).toEqual({ verdict: 'deny', level: 1 });
});
