/** What the configuration's limits are for the engine. */
import type { EngineLimits } from '../engine/engine-context.ts';
import type { ToolLimits } from '../engine/tools/desk.ts';
import { PROGRAM_LIMITS, type ProgramLimits } from '../tool/program.ts';
import type { Config } from './config/config.ts';

export function engineLimits(limits: Config['limits']): EngineLimits {
  return {
    storeMs: limits.storeMs,
    turnMs: limits.turnMs,
    turnAttempts: limits.turnAttempts,
    retryWaitMs: limits.retryWaitMs,
    patienceMs: limits.patienceMs,
    readers: limits.readers,
    resumeMs: limits.resumeMs,
    cacheBytes: limits.cacheBytes,
    concurrent: limits.concurrent,
    leaseMs: limits.leaseMs,
    idempotencyMs: limits.idempotencyHours * 3_600_000,
    // The provider's own deadlines come first; the engine's hold if a provider forgets them.
    firstByteMs: limits.upstream.firstByteMs + 1000,
    idleMs: limits.upstream.idleMs + 1000,
    outputChars: limits.upstream.outputChars,
  };
}

const HOUR = 3_600_000;

export function toolLimits(limits: Config['limits']): ToolLimits {
  return {
    calls: limits.turnModelCalls,
    tools: limits.turnToolCalls,
    tokens: limits.turnTokens,
    atOnce: limits.toolsAtOnce,
    toolMs: limits.toolMs,
    outputChars: limits.toolOutputChars,
    approvalMs: limits.toolApprovalHours * HOUR,
    asyncCalls: limits.asyncCalls,
    asyncMs: limits.asyncHours * HOUR,
  };
}

/** How deep a program's data and calls may go is not the operator's: what reads them has bounds of its own. */
export function programLimits(limits: Config['limits']): ProgramLimits {
  return {
    ...PROGRAM_LIMITS,
    source: limits.programSourceChars,
    memoryBytes: limits.programMemoryBytes,
    steps: limits.programKilosteps,
    stepMs: limits.programStepMs,
    calls: limits.programCalls,
    arguments: limits.programArgumentChars,
    output: limits.programOutputChars,
  };
}
