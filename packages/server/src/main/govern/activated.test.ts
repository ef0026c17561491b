import { expect, test, vi } from 'vitest';
import { digestOfFiles } from './contract-texts.ts';
import { contractsOf } from './activated.ts';
import type { Activation } from './activation.ts';
import { Governance } from './governance.ts';
import { newRequest } from './request.ts';
import { activationResources } from './resources.ts';
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

/** Activations that count how often something of them is read. */
function counted(count: number): { readonly all: readonly Activation[]; readonly reads: () => number } {
  let reads = 0;
  const all = Array.from({ length: count }, (_, i): Activation => {
    const one: Activation = {
      ...newRequest('key_ops', i, null, null),
      id: `act_${i}`,
      contracts: [{ id: 'none', version: '1', digest: `d${i % 3}`, files: {} }],
      reading: null,
      enforce: true,
      effective: i,
      withdrawn: null,
    };
    return new Proxy(one, {
      get(target, name, receiver) {
        reads += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
  });
  return { all, reads: () => reads };
}

test('what is read to list activations and contracts grows with their number, not with its square', () => {
  const readsOf = (count: number, list: (all: readonly Activation[]) => readonly unknown[]): number => {
    const { all, reads } = counted(count);
    expect(list(all)).not.toEqual([]);
    return reads();
  };
  for (const list of [
    (all: readonly Activation[]) => activationResources(all, 1_000_000, true),
    (all: readonly Activation[]) => contractsOf(all, 1_000_000),
  ]) {
    const few = readsOf(100, list);
    expect(few).toBeGreaterThan(100);
    expect(readsOf(1_000, list)).toBeLessThanOrEqual(10 * few);
  }
  const { all } = counted(7);
  expect(activationResources(all, 5, true).map(({ id, state }) => [id, state])).toEqual([
    ['act_6', 'scheduled'],
    ['act_5', 'in_force'],
    ...[4, 3, 2, 1, 0].map(i => [`act_${i}`, 'superseded']),
  ]);
  expect(contractsOf(all, 5).map(({ digest, activations }) => [digest, activations])).toEqual([
    ['d2', ['act_2', 'act_5']],
    ['d1', ['act_1', 'act_4']],
    ['d0', ['act_0', 'act_3', 'act_6']],
  ]);
});

test('the desk asks for the list once, however long it is', async () => {
  const { desk, clock } = await booted();
  const lists = vi.spyOn(Governance.prototype, 'activations', 'get');
  const asked = async (): Promise<number> => {
    lists.mockClear();
    await desk.activations();
    return lists.mock.calls.length;
  };
  const once = await asked();
  for (let i = 0; i < 4; i++) {
    clock.time += 1000;
    await desk.activate(ops, wanted());
  }
  expect(await desk.activations()).toHaveLength(5);
  expect(await asked()).toBe(once);
  expect(once).toBe(1);
});
