import { expect, test } from 'vitest';
import type { ResourceRow } from '../../engine/resources.ts';
import type { HomeId, TenantId } from '../../kernel/ids.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import { until } from '../../engine/world.test-support.ts';
import { agentSweep, isNamed } from './sweep-agents.ts';

const ACME = 'acme' as TenantId;
const clock = { now: () => 5, monotonic: () => 5 };
const store = () => openMemoryHome({ home: 'local' as HomeId, clock, data: emptyMemoryData() });
const row = (id: string, agent: string): ResourceRow => ({
  kind: 'agent_session',
  tenant: ACME,
  id,
  parent: null,
  version: 1,
  createdAt: 1,
  wakeAt: null,
  body: JSON.stringify({ agent, metadata: {} }),
});

test('an agent is named while a session of its own tenant runs it', async () => {
  const home = store();
  await home.changeResources([{ op: 'put', row: row('sess_1', 'agent_1') }], null);
  expect(await isNamed(home, ACME, 'agent_1')).toBe(true);
  expect(await isNamed(home, ACME, 'agent_2')).toBe(false);
  expect(await isNamed(home, 'rival' as TenantId, 'agent_1')).toBe(false);
});

test('sweeps at once and every now and then, one at a time; what fails is reported, and the next is tried', async () => {
  let looks = 0;
  const reported: string[] = [];
  const home = store();
  const sweep = agentSweep({
    store: {
      ...home,
      dueResources: async () => {
        looks += 1;
        if (looks === 1) throw new Error('away');
        return [];
      },
    },
    now: () => 5,
    report: what => reported.push(what),
    everyMs: 5,
  });
  sweep.start();
  await until(() => looks > 2, 'the third sweep');
  await sweep.close();
  expect(reported).toEqual(['agent.sweep']);
});
