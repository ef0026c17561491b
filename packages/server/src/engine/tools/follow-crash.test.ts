/** L2, W1: whoever follows a session over the death of its process is shown what the log says in the end, each event once and in order. */
import { expect, test } from 'vitest';
import type { SessionPlace } from '../agent-sessions/follow-session.ts';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { batches, END, message } from '../scripted-provider.test-support.ts';
import type { Engine } from '../engine.ts';
import { ACME, gate, until, World } from '../world.test-support.ts';
import { becomes, calls, desk, session, shown, TestTools } from './agent-world.test-support.ts';

/** Follows from a place until the turn has ended or `left` aborts. @returns where to go on */
async function follows(
  engine: Engine,
  id: string,
  from: SessionPlace,
  left: AbortController,
  seen: string[],
): Promise<SessionPlace> {
  let place = from;
  try {
    for await (const { turn, events } of engine.agentSessions.follow(ACME, id, from, left.signal)) {
      for (const { json } of events) seen.push(json);
      const last = events.at(-1)?.seq ?? -1;
      place = turn === null ? { turn, seq: last } : { turn, after: last };
      if (events.some(({ type }) => type === 'response.completed' || type === 'response.failed')) break;
    }
  } catch {
    // Whoever follows a process that died hears nothing more of it.
  }
  return place;
}

const CUTS = Array.from({ length: 9 }, (_, i) => i + 1).flatMap(at =>
  (['before', 'after'] as const).map((when): Cut => ({ at, when })),
);

test.each(CUTS)('$when write $at', async cut => {
  const made = new World();
  const long = `{"text":"${'a word '.repeat(20)}"}`;
  made.provider.inTurn(
    () => batches(calls(['safe', long], ['safe', '{"n":2}'])),
    () => batches(message('Done.')),
  );
  const tools = new TestTools();
  const dying = new DyingStore(cut);
  const first = made.boot({ tools: desk(tools), wrap: dying.wrap });
  const left = new AbortController();
  void dying.died.then(() => left.abort());
  const seen: string[] = [];
  const id = await session(first.engine).catch(() => null);
  if (id === null) return;
  let place = await follows(first.engine, id, { turn: null, seq: 0 }, left, seen);
  made.pass(60_000);
  const { engine } = made.boot({ tools: desk(tools) });
  const after = new AbortController();
  const following = follows(engine, id, place, after, seen);
  await engine.recover();
  await becomes(engine, id, 'idle');
  const all = (await shown(engine, id)).map(({ json }) => json);
  if (seen.length < all.length) await Promise.race([following, new Promise(resolve => setTimeout(resolve, 2000))]);
  after.abort();
  place = await following;
  expect(seen).toEqual(all);
  expect(place.turn).not.toBeNull();
});

test('a reader who comes while the model answers to its tools is shown the numbers that the log has', async () => {
  const made = new World();
  const answering = gate();
  made.provider.inTurn(
    () => batches(calls(['safe', '{"n":1}'])),
    async function* () {
      yield message('Do').slice(0, 2);
      await answering.opened;
      yield [...message('Do').slice(2), END];
    },
  );
  const { engine } = made.boot({ tools: desk(new TestTools()) });
  const id = await session(engine);
  await until(() => made.provider.calls.length === 2, 'the second call');
  const seen: string[] = [];
  const following = follows(engine, id, { turn: null, seq: 0 }, new AbortController(), seen);
  await until(() => seen.length > 0, 'the first event');
  answering.open();
  await following;
  expect(seen).toEqual((await shown(engine, id)).map(({ json }) => json));
});
