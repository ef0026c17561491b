import { expect, test } from 'vitest';
import { digestOfFiles } from './contract-texts.ts';
import { contractsOf } from './activated.ts';
import type { Activation } from './activation.ts';
import { booted, NONE, ops, second, wanted } from './world.test-support.ts';

test('every contract that was ever activated is there once, with its texts by digest', async () => {
  const { desk, clock } = await booted();
  const [first] = await desk.contracts();
  expect(await desk.contracts()).toMatchObject([
    { id: 'openai-2026-02', in_force: true, activations: [expect.stringMatching(/^act_/)] },
  ]);
  const texts = async (digest: string) => (await desk.contract(digest))?.texts;
  const files = (await texts(first?.digest ?? '')) ?? {};
  expect(Object.keys(files)).toContain('contract.yaml');
  expect(digestOfFiles(files).digest).toBe(first?.digest);

  clock.time += 1000;
  const changed = { ...NONE, files: { ...NONE.files, 'note.cedar': '// another text\n' } };
  const now = await desk.activate(ops, wanted());
  const waits = await desk.activate(
    ops,
    wanted({ contracts: [changed, { name: 'openai-2026-02', files }], require_second: true }),
  );
  const state = async () =>
    (await desk.contracts()).map(({ id, in_force: holds, activations }) => [id, holds, activations.length]);
  expect(await state()).toEqual([
    ['none', false, 1],
    ['none', true, 1],
    ['openai-2026-02', false, 2],
  ]);
  expect((await desk.contracts())[1]?.activations).toEqual([now.id]);
  await desk.approveActivation(second, waits.id);
  expect(await state()).toEqual([
    ['none', true, 1],
    ['none', false, 1],
    ['openai-2026-02', true, 2],
  ]);
  const [newest] = await desk.contracts();
  expect(await texts(newest?.digest ?? '')).toEqual(changed.files);
  expect(await desk.contract('f'.repeat(64))).toBeNull();
  expect(await desk.contract('')).toBeNull();
});

test('nothing was activated: nothing is listed', () => {
  expect(contractsOf([] as readonly Activation[], 1)).toEqual([]);
});
