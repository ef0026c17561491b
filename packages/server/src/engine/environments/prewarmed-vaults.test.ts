import { environmentBody, environmentParam, parseBody } from '@perdure/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HomeId, SessionId } from '../../kernel/ids.ts';
import { ACME, type Booted, codeOf, World } from '../world.test-support.ts';
import { DEFAULT_ENVIRONMENT_LIMITS } from './desk.ts';
import { FolderWorkspaces } from './folder-workspaces.test-support.ts';

let workspaces: FolderWorkspaces;
let booted: Booted;
const checked: string[] = [];
beforeEach(() => {
  workspaces = new FolderWorkspaces();
  booted = new World({
    environments: {
      workspaces,
      limits: DEFAULT_ENVIRONMENT_LIMITS,
      url: () => null,
      checkVaults: async (_, vaults) => void checked.push(...vaults),
    },
  }).boot();
});
afterEach(() => workspaces.remove());

const vaults = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => `vault_${from + n}`);
async function made(count: number): Promise<string> {
  const body = parseBody(environmentBody, { environment: { type: 'openai_hosted' }, vault_ids: vaults(0, count) });
  if (!body.ok) throw body.error;
  return (await booted.engine.environments.create(ACME, body.value, null)).id;
}
const attach = async (id: string, attached: readonly string[]) => {
  const given = parseBody(environmentParam, { type: 'openai_hosted', environment_id: id });
  if (!given.ok) throw given.error;
  const of = { session: 'sess_01jxq0v6w0abcd4z8k2m6r1t5y' as SessionId, home: 'local' as HomeId };
  return booted.engine.environments.sessions.bind(ACME, { given: given.value, vaults: attached, of });
};

test('an environment that was made beforehand has its own vaults and those of its session, ten together', async () => {
  const one = await made(8);
  expect(checked).toEqual(vaults(0, 8));
  expect((await attach(one, vaults(7, 10))).spec?.vaults).toEqual(vaults(0, 10));
  expect(await codeOf(attach(await made(8), vaults(8, 11)))).toBe('invalid_request');
});
