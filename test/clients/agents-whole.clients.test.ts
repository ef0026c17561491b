/** All parts of an agent at once: a saved agent, a hosted environment, a command that people are asked about, a restart, an artifact. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type OpenAI from 'openai';
import { toFile } from 'openai';
import { afterEach, expect, test } from 'vitest';
import { EVENT_CODES } from '../../packages/server/src/log/codec.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack | null = null;
afterEach(async () => {
  await stack?.close();
  stack = null;
});

interface Waiting {
  readonly id: string;
  readonly tool: string;
  readonly session_id: string;
}

async function waiting(on: Stack): Promise<readonly Waiting[]> {
  const response = await on.request('GET', '/perdure/v1/approvals?status=waiting');
  return ((await response.json()) as { readonly data: readonly Waiting[] }).data;
}

async function becomes(client: OpenAI, id: string, status: string): Promise<void> {
  await expect
    .poll(async () => (await client.beta.agents.sessions.retrieve(id)).status, { timeout: 30_000, interval: 50 })
    .toBe(status);
}

test('a command waits for a person, over a restart, runs once in the workspace and leaves its artifact', async () => {
  stack = await startStack();
  const before = stack.openai();
  const model = (await before.models.list()).data[0]?.id ?? '';
  const agent = await before.beta.agents.create({ model, name: 'clerk', instructions: 'Be brief.' });
  const file = {
    type: 'inline',
    path: '/workspace/in.txt',
    data: Buffer.from('hello file').toString('base64'),
  } as const;
  const session = await before.beta.agents.sessions.create({
    agent_id: agent.id,
    environment: { type: 'openai_hosted', files: [file] },
    input: 'Use shell {"command":"mkdir -p outputs && cat in.txt >> outputs/out.txt && echo ran"}',
  });
  expect(session.agent.id).toBe(agent.id);
  await becomes(before, session.id, 'requires_action');
  const [asked] = await waiting(stack);
  expect(asked).toMatchObject({ tool: 'shell', session_id: session.id });

  await stack.restart();
  const client = stack.openai();
  expect((await client.beta.agents.sessions.retrieve(session.id)).status).toBe('requires_action');
  const grant = `/perdure/v1/approvals/${asked?.id}/grant`;
  const granting = (on: Stack): Promise<Response> => on.request('POST', grant, { body: {} });
  const answers = await Promise.all([granting(stack), granting(stack)]);
  expect(answers.map(answer => answer.status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  await becomes(client, session.id, 'idle');

  const items = await client.beta.agents.sessions.items.list(session.id, { order: 'asc' });
  expect(items.data.find(item => item.type === 'command_execution')).toMatchObject({
    status: 'completed',
    exit_code: 0,
    output: 'ran\n',
  });
  const artifacts = await client.beta.agents.sessions.artifacts.list(session.id);
  expect(artifacts.data).toMatchObject([{ path: '/workspace/outputs/out.txt', size_bytes: 10 }]);
  const artifact = artifacts.data[0]?.id ?? '';
  const content = await client.beta.agents.sessions.artifacts.content(artifact, { session_id: session.id });
  expect(await content.text()).toBe('hello file');
  await client.beta.agents.sessions.delete(session.id);
  expect((await client.beta.agents.sessions.artifacts.list(session.id)).data).toEqual([]);
}, 120_000);

test('L8: a session carries the labels of the files in its environment', async () => {
  stack = await startStack();
  const client = stack.openai();
  const model = (await client.models.list()).data[0]?.id ?? '';
  const upload = await client.files.create(
    { file: await toFile(Buffer.from('secret figures'), 'figures.txt'), purpose: 'user_data' },
    { headers: { 'perdure-labels': 'restricted' } },
  );
  const made: string[] = [];
  const file = { type: 'file_id', file_id: upload.id, path: '/workspace/figures.txt' } as const;
  for (const files of [[], [file]]) {
    const environment = { type: 'openai_hosted', files } as const;
    const session = await client.beta.agents.sessions.create({ agent: { model }, environment, input: 'Hello.' });
    await becomes(client, session.id, 'idle');
    made.push(session.id);
  }
  await stack.stop();
  const db = new DatabaseSync(join(stack.data, 'local.db'), { readOnly: true });
  const heads = db.prepare('SELECT e.head FROM events e JOIN sessions s ON s.n = e.n WHERE s.id = ? AND e.code = ?');
  const labelled = made.map(id => heads.all(id, EVENT_CODES['session.labelled']).map(row => row['head']));
  db.close();
  expect(labelled).toEqual([[], ['{"labels":["restricted"]}']]);
}, 60_000);
