/**
 * What the engine asks of placement: where a call or a state goes. The pure decision is `placement/`; behind this port lie the
 * snapshot in force, the health of the targets and the time that contracts see.
 */
import type { PerdureError } from '@perdure/protocol';
import type { HomeId, SessionId, TenantId } from '../kernel/ids.ts';
import type { JsonObject, SessionOrigin } from '../log/events.ts';
import type { AgentFacts, DestinationFacts, Purpose, ToolFacts } from '../placement/facts.ts';
import type { SessionState, SessionUse } from '../session/state.ts';
import type { Provider, Upstream } from './ports.ts';

/** The facts of the session that causes a call or holds a state; for a stateless call, of its ephemeral session. */
export interface PlacingSubject {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly origin: SessionOrigin;
  readonly labels: readonly string[];
  readonly startedAt: number;
  readonly use: SessionUse;
  /** Absent: the session is of no agent. */
  readonly agent?: AgentFacts;
  /** The principal in whose name it is asked; absent: nobody asks, or it is not known. */
  readonly key?: string;
}

/**
 * The agent of a session, if it is of one.
 * @param runs what the open turn runs, if the session was changed since it began
 */
export function agentOf(
  { agent }: Pick<SessionState, 'agent'>,
  runs?: { readonly agent: { readonly id: string }; readonly version: number },
): Pick<PlacingSubject, 'agent'> {
  if (runs !== undefined) return { agent: { id: runs.agent.id, version: runs.version } };
  return agent === undefined ? {} : { agent: { id: agent.id, version: agent.version } };
}

export interface InferRequest extends PlacingSubject {
  readonly model: string;
  readonly purpose: Purpose;
  /** Labels of this request's own content. */
  readonly requestLabels: readonly string[];
  readonly inputBytes: number;
  /** Tokens; null if the request sets none: then the target's own bound counts. */
  readonly outputBound: number | null;
  /** Targets that this turn has seen fail. */
  readonly avoid: readonly string[];
}

/** A target as the engine uses it. */
export interface ReachableTarget {
  readonly id: string;
  readonly provider: Provider;
  readonly upstream: Upstream;
  readonly cloud: string;
  readonly region: string;
}

export interface PlacedCall {
  readonly ok: true;
  readonly target: ReachableTarget;
  readonly record: JsonObject;
  readonly reserved: { readonly input: number; readonly output: number };
}

export interface RunRequest extends PlacingSubject {
  readonly model: string;
  readonly requestLabels: readonly string[];
  readonly action: 'execute' | 'egress';
  /** A home, or a place of `placement/outside.ts`. */
  readonly place: string;
  /** Of `execute`. */
  readonly tool?: ToolFacts;
  /** Of `egress`. */
  readonly destination?: DestinationFacts;
}

export interface PlacedRun {
  readonly record: JsonObject;
  /** Null if it was refused. */
  readonly chosen: string | null;
  readonly error: PerdureError | null;
}

export interface PlacedState {
  readonly ok: true;
  readonly home: HomeId;
  readonly record: JsonObject;
}

export interface NotPlaced {
  readonly ok: false;
  readonly record: JsonObject;
  readonly error: PerdureError;
}

export type CallEnd = 'ok' | 'failed' | 'aborted' | { readonly fullForMs: number };

export interface Placing {
  infer(request: InferRequest): PlacedCall | NotPlaced;
  /** Picks the home of a new session. */
  state(request: PlacingSubject & { readonly model: string }): PlacedState | NotPlaced;
  /** Decides again for a session that has a home (L8): at every turn start. */
  stateAt(request: PlacingSubject & { readonly model: string }, home: HomeId): PlacedState | NotPlaced;
  /** Whether the contracts let a request reach an address on the open network; the error if they do not. */
  egress(
    request: PlacingSubject & {
      readonly model: string;
      readonly requestLabels: readonly string[];
      readonly destination: DestinationFacts;
    },
  ): PerdureError | null;
  /** Whether a contract in force speaks of where tools run, or of where data goes: else nobody need ask. */
  speaksOfTools(): boolean;
  /** Decides a tool's run. Null: no contract in force speaks of it. */
  run(request: RunRequest): PlacedRun | null;
  /** The target that a placement chose; null if this configuration no longer has it. */
  target(id: string): ReachableTarget | null;
  /** Contract -> reading in force now: fixed in a session at its start. */
  readings(): { readonly [contract: string]: string };
  /** Accounts a call in flight; the returned function ends it, once. */
  begin(target: string): (end: CallEnd, firstByteMs?: number) => void;
  models(): readonly { readonly id: string; readonly vendor: string }[];
  /** What can be said of the targets of a model before one of them is chosen. */
  capacity(model: string): ModelCapacity;
}

export interface ModelCapacity {
  /** The largest window of its targets, tokens of input and output; null if one of them does not say. */
  readonly window: number | null;
  /** The provider of its first target: whose dialect estimates. Null if no target serves the model. */
  readonly provider: Provider | null;
}
