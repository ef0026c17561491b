/** A server that runs in an environment uses it, though nobody opens it meanwhile. */
import { environmentBody, parseBody } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { DeskInMemory } from '../files/desk.test-support.ts';
import { ACME, World } from '../world.test-support.ts';
import { DEFAULT_ENVIRONMENT_LIMITS } from './desk.ts';
import { FolderWorkspaces } from './folder-workspaces.test-support.ts';

test('an environment in which a server runs is not suspended; once it has ended it is, after its time', async () => {
  const workspaces = new FolderWorkspaces();
  const environments = { workspaces, limits: DEFAULT_ENVIRONMENT_LIMITS, url: () => null };
  const world = new World({ files: new DeskInMemory(), environments });
  const { engine } = world.boot();
  const parsed = parseBody(environmentBody, { environment: { type: 'openai_hosted' } });
  if (!parsed.ok) throw parsed.error;
  const { id } = await engine.environments.create(ACME, parsed.value, null);
  const after = async (ms: number): Promise<string> => {
    world.pass(ms);
    await engine.environments.sweep();
    return (await engine.environments.read(ACME, id)).status;
  };
  const { suspendMs } = DEFAULT_ENVIRONMENT_LIMITS;
  workspaces.serves.add(id);
  expect([await after(suspendMs), await after(suspendMs)]).toEqual(['ready', 'ready']);
  workspaces.serves.delete(id);
  expect(await after(suspendMs - 1)).toBe('ready');
  expect(await after(1)).toBe('suspended');
  workspaces.remove();
});
