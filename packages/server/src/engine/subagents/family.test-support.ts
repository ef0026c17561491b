/** What models say in tests of sub-agents, and what must hold of a tree and its sessions. */
import { expect } from 'vitest';
import type { SessionId } from '../../kernel/ids.ts';
import { type JsonObject, textOf } from '../../log/events.ts';
import type { Step } from '../../log/steps.ts';
import type { SessionState } from '../../session/state.ts';
import type { Engine } from '../engine.ts';
import type { ProviderCall } from '../ports.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { calls } from '../tools/agent-world.test-support.ts';
import { ACME, type World } from '../world.test-support.ts';

export const MULTI = { agent: { model: 'gpt', multi_agent: { enabled: true, max_concurrent_subagents: 3 } } };

export function heard({ context }: ProviderCall): readonly JsonObject[] {
  return context.flatMap(({ items }) => items as unknown as readonly JsonObject[]);
}

export function textIn(item: JsonObject | undefined): string {
  const content = item?.['content'];
  return Array.isArray(content) ? textOf((content as readonly JsonObject[])[0]?.['text']) : '';
}

/** The first message that the model was told. */
export function firstSaid(call: ProviderCall): string {
  return textIn(heard(call).find(item => item['type'] === 'message'));
}

/** What its calls came to, in their order. */
export function outputsOf(call: ProviderCall): readonly string[] {
  return heard(call)
    .filter(item => item['type'] === 'function_call_output')
    .map(item => textOf(item['output']));
}

export function idsIn(outputs: readonly string[]): readonly string[] {
  return outputs.flatMap(output => /"agent_id":"(subagent_\w+)","status":"running"/.exec(output)?.[1] ?? []);
}

/** A sub-agent that runs a tool, and says what came of it. */
export function worker(call: ProviderCall): readonly Step[] {
  const [output] = outputsOf(call);
  const task = firstSaid(call);
  return output === undefined ? calls(['safe', `{"for":"${task}"}`]) : message(`${task}: ${output}`);
}

const PAIR = [
  ['create_subagent', '{"task":"alpha"}'],
  ['create_subagent', '{"task":"beta"}'],
] as const;

export const SAID = 'completed alpha: did {"for":"alpha"} | completed beta: did {"for":"beta"}';

/** What an owner says that was told how its sub-agents stand. */
export function reportOf(output: string): readonly Step[] {
  const { agents } = JSON.parse(output) as { readonly agents: readonly JsonObject[] };
  return message(
    agents
      .map(one => `${textOf(one['status'])} ${one['message'] === null ? 'null' : textOf(one['message'])}`)
      .join(' | '),
  );
}

/** An owner that makes two, waits for both, and says what they said. */
export function pair(made: World): void {
  made.provider.follow(call => {
    if (firstSaid(call) !== 'Go') return batches(worker(call));
    const outputs = outputsOf(call);
    if (outputs.length === 0) return batches(calls(...PAIR));
    const [, , report] = outputs;
    if (report !== undefined) return batches(reportOf(report));
    return batches(calls(['wait_for_subagents', JSON.stringify({ agent_ids: idsIn(outputs) })]));
  });
}

/** The same, and it closes the first before it says so. */
export function closing(made: World): void {
  made.provider.follow(call => {
    if (firstSaid(call) !== 'Go') return batches(worker(call));
    const outputs = outputsOf(call);
    const [first = ''] = idsIn(outputs);
    if (outputs.length === 0) return batches(calls(...PAIR));
    if (outputs.length === 2)
      return batches(calls(['wait_for_subagents', JSON.stringify({ agent_ids: idsIn(outputs) })]));
    if (outputs.length === 3) return batches(calls(['close_subagent', JSON.stringify({ agent_id: first })]));
    return batches(reportOf(outputs[2] ?? ''));
  });
}

/** Resolves once the session has one of these statuses. It looks now and then: to look is work, and there is other work to be done. */
export async function comesTo(engine: Engine, id: string, ...statuses: readonly string[]): Promise<void> {
  for (const until = performance.now() + 20_000; performance.now() < until; ) {
    const now = await engine.agentSessions.view(ACME, id).catch(() => null);
    if (now !== null && statuses.includes(now.status)) return;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  throw new Error(`never ${statuses.join(' or ')}`);
}

export async function lastSaid(engine: Engine, id: string): Promise<string> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'desc', limit: 1, after: null });
  return textIn(data[0]?.record.progress.output.findLast(item => item.type === 'message'));
}

/** The state of a session as its store has it. */
export function storedState(made: World, session: string): SessionState | null {
  for (const data of made.data.values()) {
    const row = [...data.sessions.values()].find(one => one.row.session === (session as SessionId))?.row;
    if (row?.state != null) return JSON.parse(row.state) as SessionState;
  }
  return null;
}

/** T1 to T4: each of the tree has its session, which says the same of it; what is closed runs nothing and has nothing open below it. */
export async function treeEqualsSessions(engine: Engine, made: World, id: string): Promise<void> {
  const { data } = await engine.subagents.list(ACME, id, { order: 'asc', limit: 100, after: null });
  const root = (await engine.agentSessions.view(ACME, id)).config.agent.id;
  const byId = new Map(data.map(one => [one.id, one]));
  for (const one of data) {
    const state = storedState(made, one.id.replace('subagent_', 'sess_'));
    expect(state?.subagent?.owner).toBe(id);
    const parent = state?.subagent?.parent ?? null;
    expect(parent === null ? root : parent.replace('sess_', 'subagent_')).toBe(one.parent);
    const above = byId.get(one.parent);
    expect(above === undefined).toBe(one.parent === root);
    if (above !== undefined && above.closedAt !== null) expect(one.closedAt).not.toBeNull();
    if (one.closedAt !== null) expect(state?.turn).toBeNull();
  }
}
