/** What automations need of the rest of the engine. */
import type { JsonObject } from '@perdure/protocol';
import type { Ids } from '../../kernel/ids.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { Clock } from '../ports.ts';
import type { Resources } from '../resources.ts';
import type { TargetSeal } from './target-seal.ts';

/** Sessions, as automations start and tell them. Whatever fails, fails with a `PerdureError`. */
export interface AutomationSessions {
  /** Whether a session could be started so: what a request for it would be refused for. @throws PerdureError */
  check(caller: Caller, body: JsonObject): Promise<void>;
  /** Starts a session; with the same key the same one. `body` is that of a request for a session. */
  start(caller: Caller, body: JsonObject, key: string): Promise<{ readonly id: string }>;
  /** `busy`: it has a turn under way, or waits for people. `gone`: the caller has none of that id (any more). */
  state(caller: Caller, session: string): Promise<'ready' | 'busy' | 'gone'>;
  /** Tells a session something, as a user; with the same key once. */
  send(caller: Caller, session: string, text: string, key: string): Promise<'sent' | 'gone'>;
}

export interface AutomationRules {
  /** What becomes of runs whose time passed by more than `graceMs` while nobody was there to start them. */
  readonly missed: 'run_once' | 'skip';
  readonly graceMs: number;
  readonly perTenant: number;
  /** Invocations that are kept of an automation; the oldest settled ones go. */
  readonly kept: number;
  /** How long a delivery that fails for the time being is tried, ms. */
  readonly tryMs: number;
  /** How long a key of a start or message is known, ms: what was tried before that cannot be tried again safely. */
  readonly keyMs: number;
}

export interface AutomationDeps {
  readonly store: Resources;
  /** Tag of the control home, for ids. */
  readonly home: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sessions: AutomationSessions;
  /** Who a principal is now; null if its key was revoked or is of another tenant. */
  readonly callerOf: (tenant: TenantId, principal: string) => Caller | null;
  readonly seal: TargetSeal;
  readonly rules: AutomationRules;
  readonly report: (what: string, error: unknown) => void;
}
