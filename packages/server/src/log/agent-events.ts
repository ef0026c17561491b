/** Events of agents: input while a turn runs, tools that wait without being held, what a command prints, the session's environment, and its sub-agents. */
import type { SessionId } from '../kernel/ids.ts';
import type { EnvironmentNow, Files } from './places.ts';

export type AgentEvent<Json, Item> =
  | {
      /** Input while a turn runs: it waits for a place where the model can take it. */
      readonly type: 'input.queued';
      readonly head: {
        readonly count: number;
        /** As of `tool.completed`. */
        readonly request?: string;
        /** Of a sub-agent: the key of the call that tells it this, so that it is told once. */
        readonly key?: string;
      };
      readonly payload: { readonly items: readonly Item[] };
    }
  | {
      /** Queued input takes its place in the context: the items of the first `entries` that wait. */
      readonly type: 'input.steered';
      readonly head: { readonly entries: number; readonly count: number } & Files;
      readonly payload: { readonly items: readonly Item[] };
    }
  /** A program whose calls wait for people: nothing of it is held, and it begins anew once one of them has ended. */
  | { readonly type: 'tool.suspended'; readonly head: { readonly callId: string }; readonly payload: null }
  | {
      /** A tool that runs has nothing to do until the turns of these sessions are over: it begins again then, or at `until` (ms since 1970). */
      readonly type: 'tool.yielded';
      readonly head: {
        readonly callId: string;
        readonly on: readonly SessionId[];
        readonly until: number;
      };
      readonly payload: null;
    }
  | { readonly type: 'tool.resumed'; readonly head: { readonly callId: string }; readonly payload: null }
  | {
      /** Where the environment of the session stands from here on. A worker that has connected ends the wait for it. */
      readonly type: 'environment.changed';
      readonly head: EnvironmentNow & Files;
      /** Why it could not be made; null otherwise. */
      readonly payload: { readonly error: Json } | null;
    }
  | {
      /** Tools of the turn wait for a worker of the environment to connect. */
      readonly type: 'environment.awaited';
      readonly head: { readonly environment: string; readonly callIds: readonly string[]; readonly expiresAt: number };
      readonly payload: null;
    }
  | {
      /** What a tool printed while it runs, as its readers are shown it. */
      readonly type: 'tool.output';
      readonly head: { readonly callId: string };
      readonly payload: { readonly text: string };
    }
  | {
      /** In the log of the session that owns it. Its own session begins after it. */
      readonly type: 'subagent.created';
      readonly head: {
        readonly session: SessionId;
        /** The sub-agent that made it; null: the session's own agent. */
        readonly parent: SessionId | null;
        /** The event before it that tells of sub-agents; 0: it is the first. */
        readonly previous: number;
      };
      readonly payload: { readonly name: string | null; readonly instructions: string };
    }
  | {
      /** They run nothing any more: those below another one come before it. */
      readonly type: 'subagent.closed';
      readonly head: { readonly sessions: readonly SessionId[]; readonly previous: number };
      readonly payload: null;
    }
  | {
      readonly type: 'subagent.reopened';
      readonly head: { readonly session: SessionId; readonly previous: number };
      readonly payload: null;
    };
