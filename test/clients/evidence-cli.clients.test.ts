import type { PlacementResource } from '@perdure/protocol';
import { afterEach, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { keyOf, marchConfig } from '../support/customers.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** The commands that read the evidence of a running server. */
let stack: Stack;
afterEach(() => stack.close());

const run = (...argv: readonly string[]): ReturnType<typeof perdure> =>
  perdure(argv, { cwd: stack.data, env: { PERDURE_URL: stack.url, PERDURE_API_KEY: keyOf('api-bedrock') } });

test('placements are listed and explained, with the single change that would free a refused one', async () => {
  stack = await startStack({ config: marchConfig({}, ['aws']) });
  const client = stack.openai(keyOf('api-bedrock'));
  await client.responses.create({ model: MODEL, input: 'Hello.' }).catch(() => null);
  const listed = await run('placements', '--outcome', 'refused', '--clause', 'joint.stateless', '--json');
  expect(listed).toMatchObject({ code: 0, err: '' });
  const refused = JSON.parse(listed.out) as PlacementResource;
  expect(refused).toMatchObject({ outcome: 'refused', action: 'infer' });
  const hello = { model: MODEL, input: 'Hello.' };
  const { response } = await stack.openai(keyOf('frontier-bedrock')).responses.create(hello).withResponse();
  const there = await run('placements', '--cloud', 'aws', '--action', 'infer');
  expect(there.out).toMatch(/^PLACEMENT +RECORDED +ACTION +PURPOSE +OUTCOME +TARGET +CLOUD +CLAUSES$/m);
  expect(there.out).toContain(response.headers.get('perdure-placement'));
  expect(there.out).not.toContain(refused.id);
  const one = await run('placements', '--limit', '1');
  expect(one.out.trimEnd().split('\n')).toHaveLength(2);
  expect(one.err).toMatch(/^There are more: --after pcur_/);

  const explained = await run('explain', refused.id);
  expect(explained.code).toBe(0);
  expect(explained.out).toMatch(/^TARGET +CLOUD +REGION +COST +LATENCY +SCORE +CHOSEN +VERDICT$/m);
  expect(explained.out).toContain('joint statement 2026-02-27');
  // One of each kind that helps; what does not help is not said.
  const freeing = explained.out.slice(explained.out.indexOf('one change would free it'));
  for (const change of [
    'For the segment us-natsec: aws-1.',
    'Sold as frontier: aws-1.',
    'Under the reading amazon-openai of openai-2026-02: aws-1.',
    'With a place at azure eastus2: there.',
  ])
    expect(freeing).toContain(change);
  for (const none of ['Sold through', 'reading microsoft', 'segment us-gov', 'Without the label'])
    expect(freeing).not.toContain(none);

  const unknown = await run('explain', 'plc_nothing');
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('not found')]);
});

test('whoever may not ask, or asks nobody, is told what to do', async () => {
  stack = await startStack({ config: marchConfig() });
  const wrong = await perdure(['placements'], { cwd: stack.data, env: { PERDURE_URL: stack.url } });
  expect([wrong.code, wrong.err]).toEqual([3, expect.stringContaining('PERDURE_API_KEY')]);
  const nobody = await perdure(['placements'], { cwd: stack.data, env: { PERDURE_URL: 'http://127.0.0.1:1' } });
  expect([nobody.code, nobody.err]).toEqual([3, expect.stringContaining('nobody answers')]);
});
