/** A process dies at any write of a session's creation under a key: who creates it again ends with one session, one environment, one turn. */
import { parseCreateSession } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { DEFAULT_ENVIRONMENT_LIMITS } from '../environments/desk.ts';
import { FolderWorkspaces } from '../environments/folder-workspaces.test-support.ts';
import type { Engine } from '../engine.ts';
import { DeskInMemory } from '../files/desk.test-support.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { becomes } from '../tools/agent-world.test-support.ts';
import { ACME, World } from '../world.test-support.ts';
import type { AgentHost } from './host.ts';

const SEED = '01jxq0v6w000004z8k2m6r1t5y00';
const KEYED = { key: 'k1', body: 'the same' };
const given = parseCreateSession({ environment: { type: 'openai_hosted' }, agent: { model: 'gpt' }, input: 'Go' });

function boot(world: World, wrap?: (store: HomeStore) => HomeStore): Engine {
  const at: { engine: Engine | null } = { engine: null };
  const agentHost: Partial<AgentHost> = {
    environment: (caller, session, environment, vaults) => {
      if (at.engine === null) throw new Error('there is an engine');
      return at.engine.environments.sessions.wire(caller, { given: environment, vaults, session });
    },
  };
  at.engine = world.boot({ agentHost, ...(wrap !== undefined && { wrap }) }).engine;
  return at.engine;
}

/** A session under a key of its maker, or of a request. */
async function create(engine: Engine, how: 'seed' | 'key'): Promise<string> {
  if (!given.ok) throw given.error;
  if (how === 'seed') return (await engine.agentSessions.createOnce(ACME, given.value, SEED)).id;
  return (await engine.agentSessions.create(ACME, given.value, KEYED)).view.id;
}

const CUTS = [1, 2, 3, 4, 5].flatMap(at => (['before', 'after'] as const).map((when): Cut => ({ at, when })));

test.each((['seed', 'key'] as const).flatMap(how => CUTS.map(cut => ({ ...cut, how }))))(
  'by $how: $when write $at',
  async ({ how, ...cut }) => {
    if (!given.ok) throw given.error;
    const workspaces = new FolderWorkspaces();
    const environments = { workspaces, limits: DEFAULT_ENVIRONMENT_LIMITS, url: () => 'http://server' };
    const world = new World({ files: new DeskInMemory(), environments });
    try {
      await create(boot(world, new DyingStore(cut).wrap), how).catch(() => undefined);
      world.pass(60_000);
      const engine = boot(world);
      await engine.recover();
      const id = await create(engine, how);
      await becomes(engine, id, 'idle');
      expect(await create(engine, how)).toBe(id);
      const page = { order: 'asc', limit: 10, after: null } as const;
      const { data } = await engine.agentSessions.turns(ACME, id, page);
      expect(data).toHaveLength(1);
      const sessions = await engine.agentSessions.list(ACME, { ...page, agent: null, metadata: {} });
      expect(sessions.data.map(one => one.id)).toEqual([id]);
      const made = await engine.environments.list(ACME, { ...page, type: 'openai_hosted' });
      expect(made.entries).toHaveLength(1);
      expect(sessions.data[0]?.config.environment['id']).toBe(made.entries[0]?.id);
    } finally {
      workspaces.remove();
    }
  },
);
