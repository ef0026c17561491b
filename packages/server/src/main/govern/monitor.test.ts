/** Two switches turn refusals off: that of an activation, and `enforce` of the configuration. What is told of each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import type { ActivationResource } from '@perdure/protocol';
import { perdure } from '../cli/captured-io.test-support.ts';
import { composeServer } from '../compose.ts';
import { parseConfig } from '../config/load.ts';
import { booted, configOf, FEBRUARY, NONE_CONFIGURED, ops, second, wanted, world } from './world.test-support.ts';

vi.setConfig({ testTimeout: 60_000 });

const modes = (all: readonly ActivationResource[]) => all.map(({ enforce, enforced }) => [enforce, enforced]);

test.each([
  [true, true, true],
  [true, false, false],
  [false, true, false],
  [false, false, false],
])('activated %s, configured %s: enforced %s', async (activated, configured, enforced) => {
  const { desk, active, clock } = await booted({ ...NONE_CONFIGURED, enforce: configured });
  const answer = await desk.activate(ops, wanted({ contracts: [FEBRUARY], reading: 'as-written', enforce: activated }));
  expect(answer).toMatchObject({ enforce: activated, enforced });
  expect(modes(await desk.activations())[0]).toEqual([activated, enforced]);
  // What decides goes by the same.
  expect(active.at(clock.now()).loaded.snapshot.enforce).toBe(enforced);
});

test('where a second person is required, a file that no longer enforces changes nothing until one approves', async () => {
  const file = configOf({ requireSecondPerson: true });
  const made = world(file);
  await made.boot();
  const edited = await made.boot({ ...file, enforce: false });
  const decides = (): boolean => edited.active.at(made.clock.now()).loaded.snapshot.enforce;
  expect([modes(await edited.desk.activations()), decides()]).toEqual([[[true, true]], true]);
  const pending = (await edited.desk.settings()).find(({ state }) => state === 'pending');
  await edited.desk.decideSettings(second, pending?.id ?? '', 'approve');
  expect([modes(await edited.desk.activations()), decides()]).toEqual([[[true, false]], false]);
});

test('the list, the status and an explanation say so, beside the server and on the folder', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'perdure-monitor-'));
  const file = (enforce: boolean): string =>
    [
      'listen: { port: 0 }',
      'data: ./data',
      'homes: [{ id: azure-us, cloud: azure, region: eastus2 }]',
      'contracts: [openai-2026-02]',
      'reading: as-written',
      'as_of: 2026-03-20',
      `enforce: ${enforce}`,
      'targets:',
      '  - { id: aws-gpt, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:1" }',
      '',
    ].join('\n');
  writeFileSync(join(cwd, 'perdure.yaml'), file(false));
  const { config } = parseConfig(file(false), { file: 'perdure.yaml', env: {}, base: cwd });
  const server = await composeServer(config, { log: () => undefined });
  const env = { PERDURE_URL: server.url };
  const explained = async () => perdure(['explain', '--stateless', '--channel', 'bedrock'], { cwd, env });
  try {
    await server.recovered;
    expect((await perdure(['contracts', 'active'], { cwd, env })).out).toMatch(/ {2}monitor \(configured\) {2}/);
    const { out } = await perdure(['contracts', 'active', '--json'], { cwd, env });
    expect(JSON.parse(out)).toMatchObject({ data: [{ state: 'in_force', enforce: true, enforced: false }] });
    const status = await fetch(new URL('/perdure/v1/status', server.url));
    expect(await status.json()).toMatchObject({ enforce: false });
    const monitored = await explained();
    expect([monitored.code, monitored.out]).toEqual([
      0,
      expect.stringContaining('monitor mode, not enforced: it would have been refused'),
    ]);
    const activated = await perdure(['contracts', 'activate', '--monitor'], { cwd, env });
    expect(activated.code).toBe(0);
    expect((await perdure(['contracts', 'active'], { cwd, env })).out).toMatch(
      /in_force .* monitor {2,}\S.*\n.* monitor \(configured\) /,
    );
  } finally {
    await server.close();
  }
  expect((await perdure(['contracts', 'active'], { cwd })).out).toContain('monitor (configured)');
  writeFileSync(join(cwd, 'perdure.yaml'), file(true));
  const back = await perdure(['contracts', 'active'], { cwd });
  expect(back.out).toMatch(/in_force .* monitor {2,}\S.*\n.*superseded .* enforced /);
  await rm(cwd, { recursive: true, force: true });
});
