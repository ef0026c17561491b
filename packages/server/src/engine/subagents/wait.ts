/** Waiting for sub-agents: ends when none of those that were named has a turn under way. */
import type { JsonObject, LoggedItem } from '../../log/events.ts';
import { textOf } from '../../log/events.ts';
import { goesOn } from '../../session/state.ts';
import { reach } from '../../tool/subagents.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { readRecord } from '../read.ts';
import { turnRows } from '../agent-sessions/turns.ts';
import { bounded } from '../tools/output.ts';
import type { ToolOutcome } from '../tools/ports.ts';
import { agentName, memberOf, treeOf } from './family.ts';
import { sessionOfSubagent } from './ids.ts';
import { growLabels } from './labels.ts';
import { type Acting, NotPossible } from './make.ts';

/** Characters of what each said last, as the waiting agent is told it. */
export const ANSWER_CHARS: number = 32 * 1024;

/** It is looked at again after this long, ms, though nobody said that anything has changed. */
export const WAIT_AGAIN_MS: number = 15 * 60_000;

export async function waitFor(engine: EngineContext, who: Acting, ids: readonly string[]): Promise<ToolOutcome> {
  const { live, owner, caller } = who;
  const tree = treeOf(mustState(owner), null);
  const by = agentName(mustState(live));
  const named: { readonly id: string; readonly member: LiveSession | null }[] = [];
  for (const id of ids) {
    if (reach(tree, by, id) === null)
      throw new NotPossible({
        code: 'subagent_not_found',
        message: `There is no sub-agent '${id.slice(0, 64)}' of yours.`,
      });
    named.push({ id, member: await memberOf(engine, owner, sessionOfSubagent(id)) });
  }
  const on = named.flatMap(({ member }) => (member !== null && goesOn(mustState(member)) ? [member.session] : []));
  // Whoever drives the session has said something: it goes on with that, and may wait again.
  const heard = (mustState(live).turn?.queued?.length ?? 0) > 0;
  if (on.length > 0 && !heard) return { ok: 'waits', on, until: engine.clock.now() + WAIT_AGAIN_MS };
  const agents: JsonObject[] = [];
  for (const { id, member } of named) {
    if (member !== null) await growLabels(engine, caller, live, mustState(member).labels);
    agents.push({ agent_id: id, ...(member === null ? NEVER_BEGUN : await standing(engine, member)) });
  }
  return { ok: true, output: JSON.stringify({ agents }) };
}

const NEVER_BEGUN: JsonObject = { status: 'failed', message: null, error: 'It could not be begun.' };

/** How its last turn ended, and what it said last. */
async function standing(engine: EngineContext, member: LiveSession): Promise<JsonObject> {
  if (goesOn(mustState(member))) return { status: 'running', message: null, error: null };
  const row = (await turnRows(engine, member)).at(-1);
  if (row === undefined) return NEVER_BEGUN;
  const { progress } = await readRecord(engine, member, row, member.store);
  const said = progress.output.findLast(item => item.type === 'message');
  return {
    status: progress.status,
    message: said === undefined ? null : bounded(saidIn(said), ANSWER_CHARS),
    error: progress.error?.message ?? null,
  };
}

function saidIn(item: LoggedItem): string {
  const parts = Array.isArray(item['content']) ? (item['content'] as readonly JsonObject[]) : [];
  return parts.map(part => textOf(part['text']) + textOf(part['refusal'])).join('');
}
