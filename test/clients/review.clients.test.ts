/** Tool calls that a model reviews in the place of people, by the official client against the whole server and an emulated reviewer. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApprovalPage } from '@perdure/protocol';
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** The emulated reviewer says what the tool's description has it choose; without a word of that, no. */
const moduleIn = (dir: string): string => `
import { appendFileSync } from 'node:fs';
const made = (defineTool, z, name, description) =>
  defineTool({
    name,
    description,
    input: z.object({ to: z.string() }),
    run: ({ to }) => (appendFileSync(${JSON.stringify(join(dir, 'ran'))}, name + ':' + to + ' '), 'sent to ' + to),
  });
export default ({ defineTool, z }) => [
  made(defineTool, z, 'note_inside', 'Leaves a note within the house. [[choose: permit]]'),
  made(defineTool, z, 'note_outside', 'Sends a note to anybody.'),
];
`;
const POLICY = `
@id("notes-ask")
permit (principal, action == Action::"ask_for_tool", resource);
`;

let dir = '';
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-review-'));
  writeFileSync(join(dir, 'rules.cedar'), POLICY);
  writeFileSync(join(dir, 'notes.mjs'), moduleIn(dir));
  stack = await startStack({
    clouds: ['azure'],
    config: { permissions: [dir], tools: join(dir, 'notes.mjs'), review: { model: MODEL } },
  });
  client = stack.openai();
}, 60_000);
afterAll(async () => {
  await stack.close();
  rmSync(dir, { recursive: true, force: true });
});

test('one call is allowed and one is denied, each by its own review', async () => {
  const made: OpenAI.Beta.AgentSession = await client.beta.agents.sessions.create({
    environment: { type: 'none' },
    agent: { model: MODEL },
    review: 'auto_review',
    input: 'Call note_inside {"to":"Ann"} and note_outside {"to":"Bob"} please.',
  });
  await expect
    .poll(async () => (await client.beta.agents.sessions.retrieve(made.id)).status, { timeout: 60_000, interval: 50 })
    .toBe('idle');
  const answer = await stack.request('GET', `/perdure/v1/approvals?session_id=${made.id}`);
  const { data } = (await answer.json()) as ApprovalPage;
  const shown = data.map(({ tool, status, decided_by: by }) => `${tool} ${status} by ${by}`);
  expect(shown.toSorted()).toEqual(['note_inside granted by reviewer', 'note_outside denied by reviewer']);
  expect(existsSync(join(dir, 'ran')) ? readFileSync(join(dir, 'ran'), 'utf8') : '').toBe('note_inside:Ann ');
  // The agent's two calls, and one for each of the reviews.
  expect(await stack.upstream()).toHaveLength(4);
  const { data: items } = await client.beta.agents.sessions.items.list(made.id, { order: 'asc' });
  const outputs = JSON.stringify(items.filter(({ type }) => type === 'function_call_output'));
  expect(outputs).toContain('sent to Ann');
  expect(outputs).not.toContain('sent to Bob');
}, 120_000);
