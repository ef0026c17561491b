/**
 * Named points at which a crash test ends the process, as `kill -9` would: `PERDURE_KILL_POINT=name` or `name:N` for the Nth
 * time it is reached. Without the variable a point is one comparison.
 */
const [wanted, nth] = (process.env['PERDURE_KILL_POINT'] ?? '').split(':');
let left = Number(nth ?? 1);

export type KillPoint =
  | EngineKillPoint
  | CloseKillPoint
  | AgentKillPoint
  | AutomationKillPoint
  | ProgramKillPoint
  | ReviewKillPoint
  | SubagentKillPoint;

export function killPoint(name: KillPoint): void {
  if (wanted !== name) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}

/** Where the engine can die. The store has its own. */
export const ENGINE_KILL_POINTS = [
  'turn.before-first-commit',
  'turn.after-first-commit',
  'turn.before-ack',
  'call.before-upstream',
  'call.first-step',
  'call.before-release',
  'call.after-release',
  'call.before-settle',
  'call.after-settle',
  'turn.before-completed-shown',
  'stateless.before-placement',
  'stateless.after-placement',
  'stateless.before-meter',
  'recovery.before-settle',
  'recovery.after-settle',
  'idempotency.after-reserve',
  'cancel.before-commit',
  'cancel.after-commit',
] as const;
export type EngineKillPoint = (typeof ENGINE_KILL_POINTS)[number];

/** Between the file of a close or a restatement and its audit entry: `main/money/closes.crash.test.ts` ends there. */
export const CLOSE_KILL_POINTS = ['close.before-file', 'close.after-file'] as const;
export type CloseKillPoint = (typeof CLOSE_KILL_POINTS)[number];

/** Where automations can die: `test/crash/automations.crash.test.ts` ends there. */
export const AUTOMATION_KILL_POINTS = [
  'automation.before-claim',
  'automation.after-claim',
  'automation.after-start',
  'automation.before-settle',
] as const;
export type AutomationKillPoint = (typeof AUTOMATION_KILL_POINTS)[number];

/** The same of turns that run tools, and wait for people. */
export const AGENT_KILL_POINTS = [
  'tool.before-start',
  'tool.after-start',
  'tool.before-complete',
  'tool.after-complete',
  'approval.before-commit',
  'approval.after-commit',
  'steer.before-commit',
] as const;
export type AgentKillPoint = (typeof AGENT_KILL_POINTS)[number];

/** The same of calls that a model reviews. */
export const REVIEW_KILL_POINTS = ['review.before-commit', 'review.after-commit'] as const;
export type ReviewKillPoint = (typeof REVIEW_KILL_POINTS)[number];

/** The same of programs. */
export const PROGRAM_KILL_POINTS = [
  'program.before-request',
  'program.after-request',
  'program.before-suspend',
] as const;
export type ProgramKillPoint = (typeof PROGRAM_KILL_POINTS)[number];

/** The same of sub-agents: between what the owner's log says of them and what their own logs do. */
export const SUBAGENT_KILL_POINTS = [
  'subagent.after-created',
  'subagent.before-told',
  'subagent.before-resumed',
  'subagent.after-resumed',
  'subagent.after-closed',
] as const;
export type SubagentKillPoint = (typeof SUBAGENT_KILL_POINTS)[number];
