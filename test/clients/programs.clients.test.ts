/** Programs, as the official client sees them: their calls, people they wait for, and a restart in the middle. */
import type OpenAI from 'openai';
import { afterEach, expect, test } from 'vitest';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack | null = null;
afterEach(async () => {
  await stack?.close();
  stack = null;
});

const PROGRAM = { type: 'programmatic_tool_calling' } as const;
const STOCK = {
  type: 'function',
  name: 'stock_of',
  description: 'How many of an article are in stock.',
  parameters: { type: 'object', properties: { article: { type: 'string' } } },
} as const;
const NONE = { type: 'none' } as const;

const asking = (code: string): string => `Use programmatic_tool_calling:\n\`\`\`js\n${code}\n\`\`\``;

async function becomes(client: OpenAI, id: string, status: string): Promise<OpenAI.Beta.AgentSession> {
  await expect
    .poll(async () => (await client.beta.agents.sessions.retrieve(id)).status, { timeout: 60_000, interval: 50 })
    .toBe(status);
  return client.beta.agents.sessions.retrieve(id);
}

type Call = OpenAI.Beta.AgentFunctionCallItem & {
  readonly caller?: { readonly type: string; readonly caller_id: string };
};

async function itemsOf(client: OpenAI, id: string): Promise<readonly OpenAI.Beta.AgentSessionItem[]> {
  return (await client.beta.agents.sessions.items.list(id, { order: 'asc', limit: 100 })).data;
}

/** What the program came to, as the model was told it. */
function outputOf(items: readonly OpenAI.Beta.AgentSessionItem[]): unknown {
  const program = items.find(item => item.type === 'function_call' && item.name === PROGRAM.type) as Call;
  return items.find(item => item.type === 'function_call_output' && item.call_id === program.call_id);
}

test('handlers of the client answer the calls of a program', async () => {
  stack = await startStack({ clouds: ['azure'] });
  const client = stack.openai();
  const code = `
    const articles = ['bolt', 'nut', 'screw', 'washer'];
    const counts = await Promise.all(articles.map(article => tools.stock_of({ article })));
    return articles.filter((_, i) => counts[i].count < 3);`;
  const asked: string[] = [];
  const stream = await client.beta.agents.sessions.create({
    environment: NONE,
    agent: { model: MODEL, tools: [PROGRAM, STOCK] },
    input: asking(code),
    stream: true,
    toolHandlers: {
      stock_of: ({ article }) => {
        asked.push(String(article));
        return { count: String(article).length - 2 };
      },
    },
  });
  const { messages, session_id: id } = (await stream.finalResult()) as unknown as {
    messages: unknown;
    session_id?: string;
  };
  expect(asked.toSorted()).toEqual(['bolt', 'nut', 'screw', 'washer']);
  expect(JSON.stringify(messages)).toContain('bolt');
  const session = id ?? (await client.beta.agents.sessions.list()).data[0]?.id ?? '';
  const items = await itemsOf(client, session);
  expect(outputOf(items)).toMatchObject({ status: 'completed', output: '["bolt","nut"]' });
  const calls = items.filter(item => item.type === 'function_call') as Call[];
  const [program, ...inner] = calls;
  expect(program).toMatchObject({ name: PROGRAM.type, arguments: { code: code.trimEnd() }, status: 'completed' });
  expect(inner.map(({ caller }) => caller)).toEqual(
    inner.map(() => ({ type: 'program', caller_id: program?.call_id })),
  );
  expect(new Set(calls.map(({ id }) => id)).size).toBe(5);
}, 120_000);

test('a program waits for a client over a restart, and does nothing twice', async () => {
  stack = await startStack({ clouds: ['azure'] });
  const before = stack.openai();
  const code = `
    const seen = [Math.random()];
    for (const article of ['bolt', 'nut']) seen.push(await tools.stock_of({ article, by: seen[0] }));
    return [seen[1], seen[2]];`;
  const made = await before.beta.agents.sessions.create({
    environment: NONE,
    agent: { model: MODEL, tools: [PROGRAM, STOCK] },
    input: asking(code),
  });
  const drawn: unknown[] = [];
  for (const [article, output] of [
    ['bolt', '{"count":1}'],
    ['nut', 'none'],
  ] as const) {
    const client = stack.openai();
    const { required_actions: actions } = await becomes(client, made.id, 'requires_action');
    const [action] = actions;
    if (actions.length !== 1 || action?.type !== 'function_call') throw new Error('one function is asked for');
    const given = action.arguments as { article: string; by: number };
    expect(given.article).toBe(article);
    drawn.push(given.by);
    await stack.restart();
    await stack.openai().beta.agents.sessions.events.create(made.id, {
      events: [
        {
          type: 'agent.session.input.tool_result',
          turn_id: action.turn_id,
          call_id: action.call_id,
          success: true,
          output,
        },
      ],
    });
  }
  const client = stack.openai();
  await becomes(client, made.id, 'idle');
  const items = await itemsOf(client, made.id);
  expect(outputOf(items)).toMatchObject({ output: '[{"count":1},"none"]' });
  expect(items.filter(item => item.type === 'function_call')).toHaveLength(3);
  expect(drawn[1]).toBe(drawn[0]);
}, 180_000);
