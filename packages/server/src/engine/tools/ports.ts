/**
 * What the engine asks of whoever has tools: sources that list and run them, the policy that says who may call which, and workspaces.
 * Implementations lie in `provider/` and `workspace/`; who composes them is `main/`.
 */
import type { Readable, Writable } from 'node:stream';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { Json, JsonObject } from '../../log/events.ts';

/** Who runs a tool. `client`: whoever drives the session, by `requires_action`. */
export type ToolOrigin =
  | { readonly kind: 'client' }
  | { readonly kind: 'module'; readonly module: string }
  | { readonly kind: 'mcp'; readonly server: string; readonly tool: string }
  | { readonly kind: 'builtin' };

export interface ToolDefinition {
  /** As the model calls it: `[A-Za-z0-9_-]{1,64}`. */
  readonly name: string;
  readonly description: string | null;
  /** JSON Schema of its arguments, an object. */
  readonly parameters: JsonObject;
  /** Whether to run it twice under one key is the same as once (L6). Where nobody says so, it is not. */
  readonly idempotent: boolean;
  readonly origin: ToolOrigin;
  /** Offered to the model only once it was found by a search. */
  readonly deferred: boolean;
  /** It runs in the session's environment: in a self-hosted one it waits for a worker. */
  readonly inEnvironment?: true;
}

/** Whose tools: fixed for a turn. */
export interface ToolScope {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** Of a sub-agent: the session that owns it, with whose credentials it works. */
  readonly owner?: SessionId;
  readonly principal: string;
  /** The configuration that the session runs, in wire form (`AgentSession.Agent`), and its environment (`AgentSession.environment`). */
  readonly agent: JsonObject;
  readonly environment: JsonObject;
  readonly vaults: readonly string[];
  /** Labels of what the session has read (L8). */
  readonly labels: readonly string[];
}

export interface ToolRun {
  readonly callId: string;
  /** The same for every run of this call, and for no other (L6). */
  readonly key: string;
  readonly arguments: JsonObject;
  /** Aborts when the turn is cancelled or the tool's time is up. */
  readonly signal: AbortSignal;
  /** Shows output as it comes. It never waits, and what is shown is bounded by whoever shows it. */
  readonly show: (text: string) => void;
  /** The approval by which people let it run again though nobody knows what became of the run before. Absent: there is none. */
  readonly again?: string;
  /** What a person answered to `asks` of an earlier run of this call; null on the first. */
  readonly answer: { readonly granted: boolean; readonly value: Json; readonly resume: string | null } | null;
}

export type ToolContent =
  | { readonly type: 'input_text'; readonly text: string }
  | { readonly type: 'input_image'; readonly image_url: string };

/** What a command did, for `command_execution` items. */
export interface CommandDetail {
  readonly type: 'command';
  readonly command: string;
  readonly cwd: string | null;
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly output: string;
}

export type ToolOutcome =
  | {
      readonly ok: true;
      readonly output: string | readonly ToolContent[];
      readonly detail?: CommandDetail;
      /** Files of the workspace that it read or wrote, if it knows. Absent: none, or nobody knows, as of a command. */
      readonly files?: number;
    }
  /** `message` is for the model; it names no credential and no path of this machine (L9). */
  | { readonly ok: false; readonly code: string; readonly message: string; readonly detail?: CommandDetail }
  /** Nothing was done yet: a person must answer, and the call is run again with the answer. */
  | {
      readonly ok: 'asks';
      readonly about: JsonObject;
      readonly resume: string | null;
      /** For hosts that the rules of a workspace hold back. Absent: for something of the tool's own. */
      readonly why?: 'network';
    }
  /** Of an idempotent tool: it is run again once no turn of these sessions is open, or at that time (ms since 1970). Nothing is held meanwhile (L4). */
  | { readonly ok: 'waits'; readonly on: readonly SessionId[]; readonly until: number };

/** Of one kind of origin. Both fail with a `PerdureError` only: what a tool itself says is an outcome. */
export interface ToolSource {
  readonly kind: ToolOrigin['kind'];
  /** Asked once a turn, and again by recovery. Bounded in time and number by the source. */
  list(scope: ToolScope, signal: AbortSignal): Promise<readonly ToolDefinition[]>;
  run(scope: ToolScope, tool: ToolDefinition, run: ToolRun): Promise<ToolOutcome>;
  /** What it holds for the session (connections, processes) goes: the turn has ended or waits (L4). */
  release(session: SessionId): Promise<void>;
  close(): Promise<void>;
}

// ---- Permission -----------------------------------------------------------------------------------------------------

export interface ToolQuestion {
  readonly tenant: TenantId;
  readonly principal: string;
  readonly agent: { readonly id: string; readonly version: number; readonly name: string | null };
  readonly session: SessionId;
  readonly labels: readonly string[];
  readonly tool: { readonly name: string; readonly origin: ToolOrigin; readonly idempotent: boolean };
  /** Who calls: the model itself, or a program that it wrote. Absent: the model. */
  readonly caller?: 'direct' | 'programmatic';
  readonly arguments: JsonObject;
  /** ms since 1970. */
  readonly at: number;
}

export interface ToolVerdict {
  /** `ask`: a person must say yes first. Anything that errs denies. */
  readonly verdict: 'permit' | 'ask' | 'deny';
  /** The version of the policies that said so: kept with the approval (L7). */
  readonly policy: string;
  readonly reasons: readonly { readonly id: string; readonly cite: string | null }[];
}

/** Pure and synchronous: it is asked on the way of every call. */
export interface ToolPolicy {
  decide(question: ToolQuestion): ToolVerdict;
}

// ---- Workspaces -----------------------------------------------------------------------------------------------------

/** What keeps commands in: shown to users, and asked for by operators. `unavailable`: no command runs, for what the operator demands is not there. */
export type Isolation = 'bubblewrap' | 'just-bash' | 'unavailable';

export interface WorkspaceSpec {
  readonly tenant: TenantId;
  /** The environment's id: one folder each. */
  readonly id: string;
  readonly network: {
    readonly access: 'enabled' | 'disabled' | 'restricted';
    readonly allowed: readonly string[];
    readonly blocked: readonly string[];
  };
  /** Plain values for commands; never a credential of a vault (L9). */
  readonly env: { readonly [name: string]: string };
  /** Whose variables commands have, as placeholders. */
  readonly vaults?: readonly string[];
}

export interface ExecRequest {
  readonly command: string;
  /** Below the workspace; its root if null. */
  readonly cwd: string | null;
  /** The same for every try of one run (L6): where it is given, a worker that has done it says what came of it, and does it no second time. */
  readonly key?: string;
  readonly timeoutMs: number;
  /** Hosts that this run may reach besides those of its rules: people said so. What is blocked stays so. Absent: none. */
  readonly hosts?: readonly string[];
  readonly signal: AbortSignal;
  readonly show: (text: string) => void;
}

export interface ExecResult {
  /** Null if it was ended from outside. */
  readonly exitCode: number | null;
  readonly ended: 'exit' | 'timeout' | 'aborted' | 'output_limit' | 'quota';
  /** stdout and stderr as they came, bounded: what is over is left out in the middle and said so. */
  readonly output: string;
  readonly durationMs: number;
  /** Hosts that the network rules held back. */
  readonly refusedHosts: readonly string[];
}

/** A program that goes on running, and is spoken to over its standard streams. */
export interface ServeRequest {
  /** The program, found as a shell would; no shell reads it or its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  /** Below the workspace. */
  readonly cwd: string;
  /** Variables of the environment that it is given, by name. What the environment does not have it is not given. */
  readonly variables: readonly string[];
}

export interface ServedProcess {
  readonly input: Writable;
  /** Ends with it. What it says of errors (stderr) is not kept. */
  readonly output: Readable;
  /** Settles once it is gone. Never fails. `missing`: the program is not there, or is none. */
  readonly exited: Promise<'ended' | 'missing'>;
  /** Asks it to go, then makes it go, with all that it began. Settles once it is gone. */
  end(): Promise<void>;
}

export interface WorkspaceFile {
  /** Below the workspace, `/` between names. */
  readonly path: string;
  readonly size: number;
  /** ms since 1970. */
  readonly modifiedAt: number;
}

/** One session's files and shell. Every path is checked: what leads out of the workspace is refused, symbolic links too. */
export interface Workspace {
  exec(request: ExecRequest): Promise<ExecResult>;
  /**
   * Starts a program under the isolation, the network rules and the bounds that commands have, in places of its own: it takes no command's turn.
   * Absent: none is started there. @throws mcp_server_not_allowed, isolation_unavailable, workspace_busy, rate_limit_exceeded
   */
  serve?(request: ServeRequest): Promise<ServedProcess>;
  /** Null if it is not there. Fails over `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  /** Whole or not at all; folders on the way are made. Fails with `workspace_quota_exceeded` over the quota. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<boolean>;
  /** Below `path`, by name, at most `limit` after `after`. */
  list(path: string, after: string | null, limit: number): Promise<readonly WorkspaceFile[]>;
  snapshot(): Promise<string>;
  restore(snapshot: string): Promise<void>;
}

export interface Workspaces {
  readonly isolation: Isolation;
  /** Makes it if it is not there; the same folder for the same id, after a restart too. */
  open(spec: WorkspaceSpec): Promise<Workspace>;
  /** Its files and snapshots go; what runs in it ends first. */
  destroy(tenant: TenantId, id: string): Promise<void>;
  /** Whether something runs in it that was started by `serve`. Absent: nothing ever does. */
  serving?(tenant: TenantId, id: string): Promise<boolean>;
  close(): Promise<void>;
}
