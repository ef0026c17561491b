/** A process dies at any write of the making of an environment under a key: who asks again ends with one, and its key with it. */
import { environmentBody, parseBody } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import type { Engine } from '../engine.ts';
import { DeskInMemory } from '../files/desk.test-support.ts';
import { ACME, codeOf, World } from '../world.test-support.ts';
import { DEFAULT_ENVIRONMENT_LIMITS } from './desk.ts';
import { FolderWorkspaces } from './folder-workspaces.test-support.ts';

async function create(engine: Engine): Promise<string> {
  const parsed = parseBody(environmentBody, { environment: { type: 'openai_hosted' } });
  if (!parsed.ok) throw parsed.error;
  return (await engine.environments.create(ACME, parsed.value, { key: 'k1', body: 'the same' })).id;
}

const CUTS = [1, 2, 3].flatMap(at => (['before', 'after'] as const).map((when): Cut => ({ at, when })));

test.each(CUTS)('cut $when write $at', async cut => {
  const workspaces = new FolderWorkspaces();
  const environments = { workspaces, limits: DEFAULT_ENVIRONMENT_LIMITS, url: () => 'http://server' };
  const world = new World({ files: new DeskInMemory(), environments });
  try {
    const dying = new DyingStore(cut);
    await create(world.boot({ wrap: dying.wrap }).engine).catch(() => undefined);
    expect(dying.dead).toBe(true);
    world.pass(60_000);
    const { engine } = world.boot();
    await engine.recover();
    const id = await create(engine);
    expect(await create(engine)).toBe(id);
    const listed = await engine.environments.list(ACME, {
      order: 'asc',
      limit: 10,
      after: null,
      type: 'openai_hosted',
    });
    expect(listed.entries.map(one => one.id)).toEqual([id]);
    await engine.environments.delete(ACME, id);
    expect(await codeOf(create(engine))).toBe('idempotency_completed');
  } finally {
    workspaces.remove();
  }
});
