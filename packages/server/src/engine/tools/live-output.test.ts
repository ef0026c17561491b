/** V1 to V3: what a command prints is durable before it is shown, bounded, and read again byte for byte. */
import { expect, test } from 'vitest';
import { textOf as text } from '../../log/events.ts';
import { agentEvents } from '../../http/agents/session-events.ts';
import type { Engine } from '../engine.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { ACME, gate, until, World } from '../world.test-support.ts';
import { becomes, calls, desk, session, TestTools } from './agent-world.test-support.ts';
import { Gathered, LIVE_CHARS, PENDING_CHARS } from './live-output.ts';
import type { ToolDefinition, ToolOutcome } from './ports.ts';

/** The tool `shell`, which prints as a test says. */
class Shell extends TestTools {
  override async list(): Promise<readonly ToolDefinition[]> {
    return (await super.list()).map(tool => (tool.name === 'once' ? { ...tool, name: 'shell' } : tool));
  }
}

const DELTA = 'agent.output.command_execution_output.delta';
const ended = (output: string): ToolOutcome => ({
  ok: true,
  output,
  detail: { type: 'command', command: 'x', cwd: null, exitCode: 0, durationMs: 1, output },
});

interface Shown {
  readonly id: string;
  readonly type: string;
  readonly json: string;
}

async function follows(
  engine: Engine,
  id: string,
  enough: (seen: readonly Shown[]) => boolean,
): Promise<readonly Shown[]> {
  const seen: Shown[] = [];
  const left = new AbortController();
  const timer = setTimeout(() => left.abort(), 10_000);
  for await (const batch of engine.agentSessions.follow(ACME, id, { turn: null, seq: 0 }, left.signal)) {
    seen.push(...agentEvents(batch, id, status => ({ status })));
    if (enough(seen)) break;
  }
  clearTimeout(timer);
  return seen;
}

const textOf = (seen: readonly Shown[]): string =>
  seen
    .flatMap(({ type, json }) => (type === DELTA ? (JSON.parse(json) as { readonly delta: string }).delta : []))
    .join('');

function world(): { readonly made: World; readonly tools: Shell } {
  const made = new World();
  made.provider.inTurn(
    () => batches(calls(['shell', '{"command":"x"}'])),
    () => batches(message('Done.')),
  );
  return { made, tools: new Shell() };
}

test('L2: output comes while the command runs, durable before it is shown, and the rest with its end', async () => {
  const { made, tools } = world();
  const goOn = gate();
  tools.act = async ({ show }) => {
    show('one\n');
    await goOn.opened;
    return ended('one\ntwo\n');
  };
  const { engine, stores } = made.boot({ tools: desk(tools) });
  const id = await session(engine);
  const live = await follows(engine, id, seen => textOf(seen) !== '');
  expect(textOf(live)).toBe('one\n');
  // What was shown is in the log: a process that dies now takes none of it back.
  const [store] = stores;
  const stored = await store?.events({ tenant: ACME.tenant, session: id as never, from: 1, limit: 100 });
  expect(stored?.some(({ payload }) => payload === '{"text":"one\\n"}')).toBe(true);
  goOn.open();
  await becomes(engine, id, 'idle');
  const all = await follows(engine, id, seen => seen.some(({ type }) => type === 'agent.session.idle'));
  expect(all.slice(0, live.length)).toEqual(live);
  expect(textOf(all)).toBe('one\ntwo\n');
  made.pass(60_000);
  const again = made.boot({ tools: desk(tools) });
  expect(await follows(again.engine, id, seen => seen.some(({ type }) => type === 'agent.session.idle'))).toEqual(all);
});

test('a process dies in the middle of a command: what was shown stands, and nothing of it is shown again', async () => {
  const { made, tools } = world();
  tools.act = ({ show }) => {
    show('half\n');
    return new Promise(() => undefined);
  };
  const { engine } = made.boot({ tools: desk(tools) });
  const id = await session(engine);
  const live = await follows(engine, id, seen => textOf(seen) !== '');
  made.pass(60_000);
  const second = made.boot({ tools: desk(tools) });
  await second.engine.recover();
  await becomes(second.engine, id, 'requires_action');
  tools.act = async ({ show }) => {
    show('half\n');
    return ended('half\nwhole\n');
  };
  const [action] = (await second.engine.agentSessions.view(ACME, id)).actions;
  await second.engine.approvals.grant(ACME.tenant, text(action?.['approval']), 'key:boss');
  await becomes(second.engine, id, 'idle');
  const all = await follows(second.engine, id, seen => seen.some(({ type }) => type === 'agent.session.idle'));
  expect(all.slice(0, live.length)).toEqual(live);
  // The second run prints from the beginning.
  expect(textOf(all)).toBe('half\nhalf\nwhole\n');
});

test('a command that ends at once is told of by its end alone', async () => {
  const { made, tools } = world();
  tools.act = async ({ show }) => {
    show('quick\n');
    return ended('quick\n');
  };
  const { engine, stores } = made.boot({ tools: desk(tools) });
  const id = await session(engine);
  await becomes(engine, id, 'idle');
  const stored = await stores[0]?.events({ tenant: ACME.tenant, session: id as never, from: 1, limit: 100 });
  expect(stored?.some(({ payload }) => payload?.startsWith('{"text"'))).toBe(false);
  expect(textOf(await follows(engine, id, seen => seen.some(({ type }) => type === 'agent.session.idle')))).toBe(
    'quick\n',
  );
});

test('V3: a tool that is given up while it prints leaves nothing behind that writes', async () => {
  const { made, tools } = world();
  let printing: ReturnType<typeof setInterval> | undefined;
  tools.act = ({ show, signal }) => {
    printing = setInterval(() => show('more\n'), 5);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stop'))));
  };
  const { engine, reported } = made.boot({ tools: desk(tools) });
  const id = await session(engine);
  await follows(engine, id, seen => textOf(seen) !== '');
  await engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.cancel' }], null);
  await becomes(engine, id, 'idle');
  await until(() => engine.busy === 0, 'the end');
  clearInterval(printing);
  expect(reported).toEqual([]);
});

test('V2: a burst is cut with a note, and so is all that is over what a run may show', () => {
  const burst = new Gathered();
  burst.add('x'.repeat(PENDING_CHARS));
  burst.add('y'.repeat(10));
  burst.add('z');
  expect(burst.take()).toBe(`${'x'.repeat(PENDING_CHARS)}\n[... 11 characters left out ...]\n`);
  burst.add('after');
  expect(burst.take()).toBe('after');
  const long = new Gathered();
  for (let i = 0; i < LIVE_CHARS / PENDING_CHARS; i++) {
    long.add('x'.repeat(PENDING_CHARS));
    expect(long.take()).toHaveLength(PENDING_CHARS);
  }
  expect(long.empty).toBe(true);
  long.add('y');
  expect(long.take()).toContain('no more of it is shown');
  long.add('z');
  expect([long.empty, long.take()]).toEqual([true, '']);
});
