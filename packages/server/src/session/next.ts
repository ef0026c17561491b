/**
 * What comes next. The engine asks this after every commit, and so does recovery after a crash: the same function, so that a turn
 * goes on the same way whether or not the process that began it still lives.
 */
import { canRun } from './reduce-tool.ts';
import type { SessionState } from './state.ts';

export type Effect =
  /** Nothing: the session waits for a client, or has ended. */
  | { readonly type: 'none' }
  /** Place a call and make it. */
  | { readonly type: 'call'; readonly call: number }
  /** A call is in flight. Its own process waits for it; any other settles it by the rule of cut calls, then asks again. */
  | { readonly type: 'await_call'; readonly call: number }
  /** Input that was queued takes its place in the context. */
  | { readonly type: 'steer' }
  | { readonly type: 'run_tools'; readonly callIds: readonly string[] }
  /** A tool runs. Its own process waits for it; any other applies L6. */
  | { readonly type: 'await_tools'; readonly callIds: readonly string[] }
  | { readonly type: 'finish'; readonly status: 'completed' | 'incomplete'; readonly reason: string | null };

export function next(state: SessionState): Effect {
  const turn = state.turn;
  if (turn === null) return { type: 'none' };
  switch (state.phase) {
    case 'turn_open':
      return { type: 'call', call: turn.calls + 1 };
    case 'calling':
    case 'stateless_calling':
      return { type: 'await_call', call: turn.calls };
    case 'called': {
      // Those of unknown outcome are here only if people let them run again.
      const started = turn.tools.filter(tool => tool.status === 'started');
      if (started.length > 0) return { type: 'await_tools', callIds: started.map(tool => tool.callId) };
      const runnable = turn.tools.filter(tool => canRun(turn, tool));
      if (runnable.length > 0) return { type: 'run_tools', callIds: runnable.map(tool => tool.callId) };
      const queued = (turn.queued?.length ?? 0) > 0;
      if (queued && turn.compaction !== 'due') return { type: 'steer' };
      if (turn.failures > 0 || turn.outcome === null || queued) return { type: 'call', call: turn.calls + 1 };
      return { type: 'finish', ...turn.outcome };
    }
    case 'none':
    case 'idle':
    case 'waiting':
    case 'sealed':
    case 'ended':
    case 'stateless_open':
    case 'stateless_done':
      return { type: 'none' };
  }
}

/** What a process that takes over does with a tool that was running when its process died (L6). */
export function afterCrash(tool: { readonly idempotent: boolean }): 'run_again' | 'outcome_unknown' {
  return tool.idempotent ? 'run_again' : 'outcome_unknown';
}
