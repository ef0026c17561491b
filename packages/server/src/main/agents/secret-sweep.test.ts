import { perdureError } from '@perdure/protocol';
import { expect, test } from 'vitest';
import type { AgentSessions } from '../../engine/agent-sessions/api.ts';
import { SESSION_LOOK_MS } from '../../engine/vaults/session-secrets.ts';
import { ACME, vaultWorld } from '../../engine/vaults/world.test-support.ts';
import type { SessionId } from '../../kernel/ids.ts';
import { makeSecretSweep } from './secret-sweep.ts';

const SERVER = { label: 'docs', url: 'https://docs.example/mcp' };

test('secrets of a session that nobody finds go; where nobody can say, they stay', async () => {
  const { secrets, pass } = vaultWorld();
  const [gone, there, unknown] = ['a', 'b', 'c'].map(last => `sess_${last.padStart(26, '0')}` as SessionId);
  for (const session of [gone, there, unknown])
    await secrets.keep(
      ACME.tenant,
      session as SessionId,
      [{ tool: 0, ...SERVER, authorization: 'Bearer x', env: {} }],
      true,
    );
  pass(SESSION_LOOK_MS);
  const asked: string[] = [];
  const agentSessions = {
    async view(caller: { readonly tenant: string }, id: string) {
      asked.push(`${caller.tenant} ${id}`);
      if (id === gone) throw perdureError('session_not_found');
      if (id === unknown) throw perdureError('store_unavailable');
      return {};
    },
  } as unknown as AgentSessions;
  const reports: string[] = [];
  const sweep = makeSecretSweep(secrets, what => reports.push(what));
  sweep.start({ agentSessions }, 3_600_000);
  await sweep.close();
  expect(asked).toEqual([`acme ${gone}`, `acme ${there}`, `acme ${unknown}`]);
  expect(reports).toEqual(['session secrets']);
  const left = await Promise.all([gone, there, unknown].map(one => secrets.of(ACME.tenant, one as SessionId, SERVER)));
  expect(left.map(one => one !== null)).toEqual([false, true, true]);
});
