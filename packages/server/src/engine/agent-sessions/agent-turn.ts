/** What the turn of an agent's session has in memory beside what every turn has. */
import type { LogEvent, Work } from '../../log/events.ts';
import { factEvent, type FoldEvent, ToolFold } from '../../session/tool-fold.ts';
import { goesOn, wakeAt } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Committed } from '../live-session.ts';
import type { Toolbox } from '../tools/toolbox.ts';
import type { RunningTurn } from '../turn.ts';
import type { SessionConfig } from './session-config.ts';

export interface AgentTurn {
  readonly config: SessionConfig;
  readonly fold: ToolFold;
  /** Null until the tools were listed: recovery lists them again. */
  toolbox: Toolbox | null;
  /** Calls whose tools this process runs. Others that were started were left by one that died. */
  readonly running: Set<string>;
  /** Called whenever something was committed to the session: programs that wait for their calls. */
  readonly waiters: Set<() => void>;
  /** What was done before it, of a session that has sub-agents: where its bounds count from. */
  readonly before?: Work;
  /** What is to follow what the call in flight shows, while that is being committed; null at other times. */
  later: (() => void)[] | null;
}

export function makeAgentTurn(config: SessionConfig, toolbox: Toolbox | null): AgentTurn {
  return { config, fold: new ToolFold(), toolbox, running: new Set(), waiters: new Set(), later: null };
}

/** Of a turn that begins with these events; null if it is of no agent. */
export function agentOfTurn(agent: AgentTurn | undefined, bodies: readonly FoldEvent[]): AgentTurn | null {
  for (const body of bodies) if (body.type === 'input.accepted') agent?.fold.take(body, 0, null);
  return agent ?? null;
}

/** Shows the facts of what has become durable, and lets the context grow by it: whoever committed it. */
export function agentCommitted(
  engine: Pick<EngineContext, 'running' | 'sessions' | 'hub' | 'nudge' | 'subagents'>,
  { live, bodies, before }: Committed,
): void {
  if (live.state?.kind !== 'agent') return;
  const response = before?.turn?.response ?? live.state.turn?.response;
  const turn = response === undefined ? undefined : engine.running.get(response);
  let position = before?.position ?? 0;
  for (const [i, body] of bodies.entries()) {
    if ('count' in body.head && body.type !== 'input.queued' && takesPositions(body.type)) position += body.head.count;
    const to = position;
    const next = bodies[i + 1]?.type ?? null;
    const show = (): void => {
      const grows = GROWS.has(body.type) && body.payload !== null && 'items' in body.payload;
      if (grows && (!('count' in body.head) || body.head.count > 0))
        engine.sessions.grew(live.context.add(body.payload.items, to));
      if (turn?.live === live && turn.agent !== null) showFacts(turn, body, next);
    };
    if (turn?.agent?.later != null) turn.agent.later.push(show);
    else show();
  }
  for (const wake of turn?.agent?.waiters ?? []) wake();
  engine.hub.wake(live.session);
  if (live.state.subagent !== undefined && before !== null && goesOn(before) && !goesOn(live.state))
    engine.subagents.rested(live);
  const at = wakeAt(live.state);
  if (at !== null) engine.nudge(at);
}

/** What is in the context once it is committed. What a call said, and the input of a turn, are put there by who commits them. */
const GROWS: ReadonlySet<LogEvent['type']> = new Set<LogEvent['type']>([
  'tool.completed',
  'tool.failed',
  'tool.postponed',
  'input.steered',
]);

function takesPositions(type: LogEvent['type']): boolean {
  switch (type) {
    case 'input.accepted':
    case 'input.steered':
    case 'call.completed':
    case 'tool.completed':
    case 'tool.failed':
    case 'tool.postponed':
    case 'items.added':
    case 'context.compacted':
      return true;
    default:
      return false;
  }
}

function showFacts(turn: RunningTurn, body: FoldEvent, next: FoldEvent['type'] | null): void {
  const { agent } = turn;
  if (agent === null) return;
  const calls = body.type === 'call.completed' ? (body.payload?.items.length ?? 0) : 0;
  const facts = agent.fold.take(body, turn.output.length - calls, next);
  if (facts.length === 0) return;
  // Numbered now, and not when somebody reads: what the next call shows is counted from here.
  const from = turn.seq;
  turn.seq += facts.length;
  turn.broadcast.publish(() => facts.map((fact, i) => factEvent(fact, from + i)));
}

/** Runs what waited for the call's own last events to be shown. */
export function showLater(turn: RunningTurn): void {
  const { agent } = turn;
  if (agent?.later == null) return;
  const later = agent.later;
  agent.later = null;
  for (const show of later) show();
}
