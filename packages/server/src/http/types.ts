/** What every route shares. */
import type { ReadyResource } from '@perdure/protocol';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AutomationDesk } from '../engine/automations/desk.ts';
import type { Caller } from '../engine/caller.ts';
import type { Engine } from '../engine/engine.ts';
import type { Prompts } from '../engine/prompts/prompts.ts';
import type { OpenRequest, Rates } from '../engine/rate/rates.ts';
import type { TraceView } from './agents/traces.ts';
import type { Signing } from './sigv4/admit.ts';
import type { PlacementsView, UsageView } from './perdure/view.ts';
import type { WebSocketLimits } from './websocket/limits.ts';
import type { CloseView } from './perdure/close-view.ts';
import type { GovernView } from './perdure/govern-view.ts';
import type { ExplainView } from './perdure/explain-view.ts';
import type { ApprovalView } from './perdure/approval-view.ts';
import type { HoldView } from './perdure/hold-view.ts';
import type { RegistryView } from './agents/view.ts';
import type { WebhookView } from './perdure/webhook-view.ts';

/** Scopes of keys. `admin` manages its tenant's keys, `operator` all; `auditor` reads everything but content; `approve` decides approvals. */
export type Scope = 'inference' | 'read' | 'admin' | 'operator' | 'auditor' | 'approve';

export interface HttpLimits {
  /** Bytes of a request body. */
  readonly bodyBytes: number;
  /** From the first byte of a request whose answer is not streamed to that answer, ms. A stored turn goes on all the same. */
  readonly requestMs: number;
  /** From the first to the last byte of a request body, ms. */
  readonly bodyMs: number;
  /** Between two heartbeats of a quiet stream, ms. */
  readonly heartbeatMs: number;
  /** How long a reader may refuse to take what is written to it, ms. */
  readonly patienceMs: number;
}

export interface HttpDeps {
  readonly engine: Engine;
  readonly prompts: Prompts;
  readonly view: PlacementsView;
  readonly explains: ExplainView;
  readonly usage: UsageView;
  /** Who a bearer token is. @throws PerdureError missing_api_key, invalid_api_key */
  authenticate(bearer: string | null): Caller;
  readonly signing: Signing;
  readonly traces: TraceView;
  /** Whether keys are asked for. Without them only loopback hosts and pages of ours may ask. */
  keyed(): boolean;
  readonly limits: HttpLimits;
  readonly rates: Rates;
  readonly websocket: WebSocketLimits;
  readonly version: string;
  /** What a server that takes work needs, and whether it is there. */
  ready(): ReadyResource;
  readonly keys: KeyAdmin;
  /** Null if nothing is sealed here. */
  readonly ledger: LedgerView | null;
  readonly govern: GovernView;
  readonly closes: CloseView;
  readonly holds: HoldView;
  readonly registry: RegistryView;
  readonly automations: AutomationDesk;
  readonly approvals: ApprovalView;
  readonly webhooks: WebhookView;
  report(what: string, error: unknown): void;
}

/** The homes' logs, as others read them. Keys are checked by the routes. */
export interface LedgerView {
  /** Whether it is read without a key. */
  readonly public: boolean;
  /** The newest checkpoint with the cosignatures on it, or the newest that has any; null if there is none. */
  checkpoint(home: string, which: 'newest' | 'cosigned'): Promise<string | null>;
  /** The public keys that ever signed the log, a line each; null if there is no log. */
  keys(home: string): Promise<string | null>;
  /** A tile or bundle that the newest checkpoint covers; null for any other path. */
  tile(home: string, path: string): Promise<{ readonly bytes: Uint8Array; readonly full: boolean } | null>;
  /** Takes the cosignatures of known witnesses from a checkpoint of ours; says how many. @throws PerdureError invalid_request */
  cosign(home: string, note: string): Promise<number>;
}

/** What the keys routes need. The caller sees and changes its own tenant's keys; with the scope `operator`, all. */
export interface KeyAdmin {
  list(caller: Caller): readonly unknown[];
  create(caller: Caller, spec: unknown): Promise<unknown>;
  /** False if the caller has no such key. */
  revoke(caller: Caller, id: string): Promise<boolean>;
}

/** A request as a route handles it, on node's own objects: a web `Response` costs what the numbers do not allow. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly caller: Caller;
  readonly requestId: string;
  /** When its head had come, ms of `performance.now()`. */
  readonly began: number;
  /** Aborts when the client leaves before the answer is complete. */
  readonly signal: AbortSignal;
  /** What counts it against its caller's limits; null: nothing limits the caller. */
  readonly rated: OpenRequest | null;
}
