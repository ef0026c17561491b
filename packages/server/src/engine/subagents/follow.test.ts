/** W3: whoever goes on from any place that he was told is shown each event once, however soon he is cut off again. */
import { expect, test } from 'vitest';
import type { SessionId } from '../../kernel/ids.ts';
import { desk, session, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, type Booted, World } from '../world.test-support.ts';
import type { FamilyPlace, ReadAgain } from './follow.ts';
import { comesTo, MULTI, pair } from './family.test-support.ts';

const BEGINNING: FamilyPlace = { root: { turn: null, seq: 0 }, tree: 0, members: new Map() };

/** The places of what follows, until nothing has for a while. */
async function places(
  { engine }: Booted,
  id: string,
  from: FamilyPlace,
  again: ReadAgain | null = null,
): Promise<readonly FamilyPlace[]> {
  const stop = new AbortController();
  const found: FamilyPlace[] = [];
  const rest = (): NodeJS.Timeout => setTimeout(() => stop.abort(), 300);
  let timer = rest();
  for await (const { place } of engine.subagents.follow(ACME, id, from, stop.signal, again)) {
    clearTimeout(timer);
    timer = rest();
    found.push(place);
  }
  clearTimeout(timer);
  return found;
}

async function told(): Promise<{ readonly booted: Booted; readonly id: string; readonly last: FamilyPlace }> {
  const made = new World();
  pair(made);
  const booted = made.boot({ tools: desk(new TestTools()) });
  const id = await session(booted.engine, MULTI);
  await comesTo(booted.engine, id, 'idle');
  const last = (await places(booted, id, BEGINNING)).at(-1);
  if (last === undefined) throw new Error('nothing was told');
  return { booted, id, last };
}

test('what of a sub-agent was shown last comes before all else: no place lies before it', async () => {
  const { booted, id, last } = await told();
  const [member] = [...last.members.keys()];
  if (member === undefined) throw new Error('there are sub-agents');
  const from = { ...last, root: BEGINNING.root, members: new Map([[member, BEGINNING.root]]) };
  const all = await places(booted, id, from, member);
  expect(all.length).toBeGreaterThan(2);
  for (const { members } of all) expect(members.get(member)).not.toEqual(BEGINNING.root);
});

test('the same of the tree; and what nobody follows is not waited for', async () => {
  const { booted, id, last } = await told();
  const from = { ...last, root: BEGINNING.root, tree: last.tree - 1 };
  const all = await places(booted, id, from, 'tree');
  expect(all.length).toBeGreaterThan(1);
  for (const { tree } of all) expect(tree).toBe(last.tree);
  expect(await places(booted, id, BEGINNING, 'sess_nobody' as SessionId)).not.toEqual([]);
});
