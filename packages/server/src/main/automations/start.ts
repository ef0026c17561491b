/** Automations of a server: the desk for those who have them, and the runner. */
import { type AutomationDesk, makeAutomationDesk } from '../../engine/automations/desk.ts';
import type { AutomationDeps, AutomationSessions } from '../../engine/automations/ports.ts';
import { makeAutomationRunner } from '../../engine/automations/runner.ts';
import { makeAutomationTools } from '../../engine/automations/tool-source.ts';
import { makeTargetSeal } from '../../engine/automations/target-seal.ts';
import type { Engine } from '../../engine/engine.ts';
import type { ToolSource } from '../../engine/tools/ports.ts';
import { homeTag } from '../../kernel/ids.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { Config } from '../config/config.ts';
import type { KeyRing } from '../keys.ts';

/** How sessions of the engine are started and told. */
export type ConnectSessions = (engine: Engine) => AutomationSessions;

/** The `automations` tool, for an engine that is made before those that it works on. */
export function automationTools(running: () => RunningAutomations): ToolSource {
  return {
    kind: 'builtin',
    list: (scope, signal) => running().tools.list(scope, signal),
    run: (scope, tool, run) => running().tools.run(scope, tool, run),
    release: async () => undefined,
    close: async () => undefined,
  };
}

export interface RunningAutomations {
  readonly desk: AutomationDesk;
  /** For agents that have the tool. */
  readonly tools: ToolSource;
  readonly start: () => void;
  readonly stop: () => Promise<void>;
}

interface StartDeps extends Pick<AutomationDeps, 'clock' | 'ids' | 'report' | 'sessions'> {
  readonly store: HomeStore;
  readonly ring: KeyRing;
  readonly sealKey: Uint8Array;
}

export function startAutomations(
  config: Pick<Config, 'automations' | 'limits'>,
  { store, ring, sealKey, ...deps }: StartDeps,
): RunningAutomations {
  const all: AutomationDeps = {
    ...deps,
    store,
    home: homeTag(store.home),
    callerOf: (tenant, principal) => {
      const caller = ring.callerOf(principal);
      return caller?.tenant === tenant && caller.scopes.includes('inference') ? caller : null;
    },
    seal: makeTargetSeal(sealKey),
    rules: { ...config.automations, keyMs: config.limits.idempotencyHours * 3_600_000 },
  };
  const runner = makeAutomationRunner(all);
  const desk = makeAutomationDesk(all, runner.nudge);
  return { desk, tools: makeAutomationTools(desk, all), start: runner.start, stop: runner.stop };
}
