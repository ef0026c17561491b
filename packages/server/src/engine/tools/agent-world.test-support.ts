/** A session of an agent over an engine with everything real but the upstream, and tools that do as a test says. */
import { parseCreateSession } from '@perdure/protocol';
import type { WireEvent } from '../../session/output.ts';
import type { Step } from '../../log/steps.ts';
import type { Engine } from '../engine.ts';
import { ACME, until } from '../world.test-support.ts';
import { TOOL_LIMITS, type ToolDesk, type ToolLimits } from './desk.ts';
import type { ToolDefinition, ToolOutcome, ToolRun, ToolSource, ToolVerdict } from './ports.ts';

export interface Ran {
  readonly name: string;
  readonly key: string;
  readonly callId: string;
}

/** Two tools: `safe`, which may run twice, and `once`, which may not. What they do is up to the test. */
export class TestTools implements ToolSource {
  readonly kind = 'builtin';
  readonly ran: Ran[] = [];
  act: (run: ToolRun, name: string) => Promise<ToolOutcome> = async run => ({
    ok: true,
    output: `did ${JSON.stringify(run.arguments)}`,
  });

  async list(): Promise<readonly ToolDefinition[]> {
    const of = (name: string, idempotent: boolean): ToolDefinition => ({
      name,
      description: null,
      parameters: { type: 'object' },
      idempotent,
      origin: { kind: 'builtin' },
      deferred: false,
    });
    return [of('safe', true), of('once', false)];
  }

  run(_: unknown, tool: ToolDefinition, run: ToolRun): Promise<ToolOutcome> {
    this.ran.push({ name: tool.name, key: run.key, callId: run.callId });
    return this.act(run, tool.name);
  }

  async release(): Promise<void> {}
  async close(): Promise<void> {}
}

export function desk(
  source: ToolSource,
  verdict: (name: string) => ToolVerdict['verdict'] = () => 'permit',
  limits: Partial<ToolLimits> = {},
): Partial<ToolDesk> {
  return {
    sources: [source],
    policy: {
      decide: ({ tool }) => ({ verdict: verdict(tool.name), policy: 'v7', reasons: [{ id: 'rule', cite: null }] }),
    },
    limits: { ...TOOL_LIMITS, ...limits },
  };
}

export type NamedCall = readonly [name: string, args: string];

/** The steps of calls, each with its name. */
export function calls(...named: readonly NamedCall[]): Step[] {
  return named.flatMap(([name, args], index): Step[] => [
    { type: 'item', index, item: { type: 'function_call', callId: `call_${name}_${index}`, name } },
    { type: 'delta', index, part: 0, text: args },
    { type: 'item_done', index },
  ]);
}

/** Begins a session whose first turn asks `input`. */
export async function session(engine: Engine, more: object = {}, input = 'Go'): Promise<string> {
  const parsed = parseCreateSession({ environment: { type: 'none' }, agent: { model: 'gpt' }, input, ...more });
  if (!parsed.ok) throw parsed.error;
  return (await engine.agentSessions.create(ACME, parsed.value)).view.id;
}

/** Resolves once its status is one of these. */
export async function becomes(engine: Engine, id: string, ...statuses: readonly string[]): Promise<string> {
  let now = '';
  await until(
    () => {
      // A process that is dead answers nothing.
      engine.agentSessions.view(ACME, id).then(
        view => {
          now = view.status;
        },
        () => undefined,
      );
      return statuses.includes(now);
    },
    `the status ${statuses.join(' or ')}`,
  );
  return now;
}

/** All that the session's turns have shown, read back from the log. */
export async function shown(engine: Engine, id: string): Promise<readonly WireEvent[]> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 100, after: null });
  return data.flatMap(({ events }) => events);
}

/** What came of the tools, in their order. */
export async function outcomes(engine: Engine, id: string): Promise<readonly unknown[]> {
  return (await shown(engine, id)).flatMap(({ type, json }) => {
    if (type !== 'perdure.tool_done') return [];
    const { name, code, message, output } = JSON.parse(json) as {
      name: string;
      code: string | null;
      message: string | null;
      output: { output: unknown };
    };
    return [[name, code ?? 'done', code === null ? output.output : message]];
  });
}
