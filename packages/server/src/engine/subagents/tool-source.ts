/**
 * The tools by which an agent has others work for it. All of them may be run again under their call: ids follow from its key, and what is done
 * already is found done.
 */
import { isPerdureError } from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import { startSubagent, SUBAGENT_DEPTH, reach } from '../../tool/subagents.ts';
import {
  isSubagentTool,
  MOST_WAITED_FOR,
  SUBAGENT_EFFORTS,
  SUBAGENT_TOOLS,
  type SubagentToolName,
} from '../../tool/subagent-calls.ts';
import { cancelOpenTurn } from '../agent-sessions/cancel-session.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import type { ToolDesk } from '../tools/desk.ts';
import type { ToolDefinition, ToolOutcome, ToolRun, ToolScope, ToolSource } from '../tools/ports.ts';
import { closeOne, reopenOne } from './end.ts';
import { agentName, callerFor, memberOf, ownerOf, treeOf } from './family.ts';
import { sessionOfSubagent, subagentId } from './ids.ts';
import { growLabels } from './labels.ts';
import { type Acting, makeSubagent, NotPossible, tell } from './make.ts';
import { waitFor } from './wait.ts';

/** Characters of a task, or of what a sub-agent is told. */
export const TOLD_CHARS: number = 256 * 1024;
export const NAME_CHARS = 64;

const DEFINITIONS: readonly ToolDefinition[] = SUBAGENT_TOOLS.map(({ name, description, parameters }) => ({
  name,
  description,
  parameters,
  idempotent: true,
  origin: { kind: 'builtin' },
  deferred: false,
}));

/** @param engineOf of an engine that is made after its tools */
function subagentTools(engineOf: () => EngineContext): ToolSource {
  return {
    kind: 'builtin',
    async list({ tenant, session, agent }) {
      const config = agent['multi_agent'] as { readonly enabled?: boolean } | undefined;
      if (config?.enabled !== true) return [];
      const live = await sessionOf(engineOf(), { tenant, session });
      return (mustState(live).subagent?.depth ?? 0) < SUBAGENT_DEPTH ? DEFINITIONS : [];
    },
    async run(scope, { name }, run) {
      if (!isSubagentTool(name)) return refused('tool_not_found', 'There is no such tool.');
      try {
        return await act(engineOf(), scope, name, run);
      } catch (error) {
        if (error instanceof NotPossible) return refused(error.fault.code, error.fault.message);
        // What the model did wrong it is told; what went wrong here is an error of the tool.
        if (isPerdureError(error) && error.status < 500) return refused(error.code, error.message);
        throw error;
      }
    },
    release: async () => undefined,
    close: async () => undefined,
  };
}

/** The tools of sub-agents come before those of other sources: no other is called as they are. */
export function withSubagents(desk: ToolDesk, engineOf: () => EngineContext): ToolDesk {
  return { ...desk, sources: [subagentTools(engineOf), ...desk.sources] };
}

async function sessionOf(engine: EngineContext, at: Pick<ToolScope, 'tenant' | 'session'>): Promise<LiveSession> {
  const store = engine.homes.locate(at.session, 'sess')?.store;
  const live = store === undefined ? null : await engine.sessions.load(at.tenant, at.session, store);
  if (live?.state == null) throw new Error(`${at.session} is not there`);
  return live;
}

async function actingOf(engine: EngineContext, scope: ToolScope): Promise<Acting> {
  const live = await sessionOf(engine, scope);
  const owner = await ownerOf(engine, live);
  const { agent, vaults } = scope;
  // As `SessionConfig` has it: a scope is made of one.
  const environment = scope.environment as Acting['environment'];
  return { caller: callerFor(mustState(live), scope.principal), live, owner, agent, environment, vaults };
}

async function act(
  engine: EngineContext,
  scope: ToolScope,
  name: SubagentToolName,
  run: ToolRun,
): Promise<ToolOutcome> {
  const { arguments: args } = run;
  const who = await actingOf(engine, scope);
  switch (name) {
    case 'create_subagent': {
      const task = text(args, 'task', TOLD_CHARS);
      const named = optional(args, 'name', NAME_CHARS);
      const model = optional(args, 'model', 256);
      const effort = optional(args, 'reasoning_effort', 16);
      if (effort !== null && !(SUBAGENT_EFFORTS as readonly string[]).includes(effort))
        throw invalid(`'reasoning_effort' is one of ${SUBAGENT_EFFORTS.join(', ')}.`);
      const made = await makeSubagent(engine, who, { task, name: named, model, effort }, run);
      return told({ agent_id: subagentId(made.session), status: 'running' });
    }
    case 'send_subagent_input': {
      const id = text(args, 'agent_id', 64);
      const input = text(args, 'input', TOLD_CHARS);
      const started = startSubagent(treeOf(mustState(who.owner), null), agentName(mustState(who.live)), id);
      if (!started.ok) throw new NotPossible(started);
      const member = await begun(engine, who, id);
      await growLabels(engine, who.caller, member, mustState(who.live).labels);
      await tell(engine, who.caller, member, input, run);
      return told({ agent_id: id, status: 'running' });
    }
    case 'wait_for_subagents':
      return waitFor(engine, who, idsOf(args));
    case 'interrupt_subagent': {
      const id = named(who, args);
      const member = await memberOf(engine, who.owner, sessionOfSubagent(id));
      if (member !== null) await cancelOpenTurn(engine, who.caller, member);
      return told({ agent_id: id, status: 'interrupted' });
    }
    case 'resume_subagent': {
      const id = named(who, args);
      await reopenOne(engine, who, id);
      return told({ agent_id: id, status: 'active' });
    }
    case 'close_subagent': {
      const id = named(who, args);
      await closeOne(engine, who, id);
      return told({ agent_id: id, status: 'closed' });
    }
  }
}

/** One whose session was never begun has nothing that could be told. */
async function begun(engine: EngineContext, who: Acting, id: string): Promise<LiveSession> {
  const member = await memberOf(engine, who.owner, sessionOfSubagent(id));
  if (member === null) throw notFound();
  return member;
}

function named({ live, owner }: Acting, args: JsonObject): string {
  const id = text(args, 'agent_id', 64);
  if (reach(treeOf(mustState(owner), null), agentName(mustState(live)), id) === null) throw notFound();
  return id;
}

function notFound(): NotPossible {
  return new NotPossible({ code: 'subagent_not_found', message: 'There is no such sub-agent of yours.' });
}

function idsOf(args: JsonObject): readonly string[] {
  const given = args['agent_ids'];
  const ids = Array.isArray(given) ? given.filter((one): one is string => typeof one === 'string') : [];
  if (ids.length === 0 || ids.length > MOST_WAITED_FOR)
    throw invalid(`'agent_ids' names 1 to ${MOST_WAITED_FOR} sub-agents.`);
  return [...new Set(ids)];
}

function text(args: JsonObject, field: string, most: number): string {
  const given = args[field];
  if (typeof given !== 'string' || given.trim() === '' || given.length > most)
    throw invalid(`'${field}' is a text of 1 to ${most} characters.`);
  return given;
}

function optional(args: JsonObject, field: string, most: number): string | null {
  return args[field] === undefined || args[field] === null || args[field] === '' ? null : text(args, field, most);
}

function invalid(message: string): NotPossible {
  return new NotPossible({ code: 'invalid_arguments', message });
}

function told(output: JsonObject): ToolOutcome {
  return { ok: true, output: JSON.stringify(output) };
}

function refused(code: string, message: string): ToolOutcome {
  return { ok: false, code, message };
}
