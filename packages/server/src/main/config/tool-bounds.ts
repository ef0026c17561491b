/** Limits of the turns of agents and of their tools: part of `limits` of perdure.yaml. */
import { MAX_PENDING_CALLS } from '../../session/state.ts';
import type { Bound } from './limits.ts';

/** Times in ms unless the name says otherwise. */
export interface ToolServerLimits {
  readonly turnModelCalls: number;
  readonly turnToolCalls: number;
  readonly turnTokens: number;
  readonly toolsAtOnce: number;
  readonly toolMs: number;
  readonly toolOutputChars: number;
  readonly toolApprovalHours: number;
  readonly asyncCalls: number;
  readonly asyncHours: number;
}

const KIB = 1024;
const YEAR_HOURS = 365 * 24;
/**
 * Ids number 1,022 calls of a turn (`MAX_TURN_CALLS`). They are of one length, so that they sort and parse, and a number with another digit would be
 * another form of every item's and placement's id. Below that is left what the count may be passed by: the last call may be tried again, also by processes that take it over.
 */
const MOST_MODEL_CALLS = 1000;

export const TOOL_BOUNDS: { readonly [name in keyof ToolServerLimits]: Bound } = {
  turnModelCalls: {
    name: 'turn_model_calls',
    unit: 'calls',
    default: 200,
    min: 1,
    max: MOST_MODEL_CALLS,
    what: 'Model calls of one turn of an agent.',
  },
  turnToolCalls: {
    name: 'turn_tool_calls',
    unit: 'calls',
    default: 500,
    min: 1,
    max: 10_000,
    what: 'Tool calls of one turn of an agent.',
  },
  turnTokens: {
    name: 'turn_tokens',
    unit: 'tokens',
    default: 20_000_000,
    min: 1_000,
    max: 1_000_000_000,
    what: 'Tokens of one turn of an agent, input and output of all its calls.',
  },
  toolsAtOnce: {
    name: 'tools_at_once',
    unit: 'tools',
    default: 8,
    min: 1,
    max: 64,
    what: 'Tools of one turn that this server runs at the same time.',
  },
  toolMs: {
    name: 'tool_ms',
    unit: 'ms',
    default: 120_000,
    min: 100,
    max: 3_600_000,
    what: 'One run of a tool.',
  },
  toolOutputChars: {
    name: 'tool_output_chars',
    unit: 'characters',
    default: 256 * KIB,
    min: KIB,
    max: 16 * KIB * KIB,
    what: "What is kept of a tool's output; the middle of a longer one is left out.",
  },
  toolApprovalHours: {
    name: 'tool_approval_hours',
    unit: 'hours',
    default: 168,
    min: 1,
    max: YEAR_HOURS,
    what: 'How long a tool waits for the approval of a person.',
  },
  asyncCalls: {
    name: 'async_calls',
    unit: 'calls',
    default: 32,
    min: 0,
    max: MAX_PENDING_CALLS,
    what: 'Calls of async functions of one session that may be pending.',
  },
  asyncHours: {
    name: 'async_hours',
    unit: 'hours',
    default: 168,
    min: 1,
    max: YEAR_HOURS,
    what: 'How long the result of an async function is taken.',
  },
};
