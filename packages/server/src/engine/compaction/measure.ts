/** How large a context is for a model, and how large it may be. Estimates of the dialect: deterministic, and above what is billed. */
import { LIMITS, perdureError } from '@perdure/protocol';
import { truncateRuns } from '../../session/compaction/truncate.ts';
import type { EngineContext } from '../engine-context.ts';
import { DEFAULT_OUTPUT_BOUND } from '../placement-desk.ts';
import type { CallSettings, ContextRun } from '../ports.ts';
import type { RunningTurn } from '../turn.ts';

/** What a call would send. */
export interface Sent {
  readonly model: string;
  readonly context: readonly ContextRun[];
  readonly settings: CallSettings;
}

/** Tokens of input. */
export function countTokens(engine: EngineContext, { model, context, settings }: Sent): number {
  const { provider } = engine.placing.capacity(model);
  return provider === null ? 0 : provider.estimateInput(context, settings);
}

/** The window of the model, tokens of input and output together; null if it is not known. */
export function windowOf(engine: EngineContext, model: string): number | null {
  return engine.placing.capacity(model).window;
}

/** What placement is told of a call. */
export interface CallBounds {
  readonly inputBytes: number;
  readonly outputBound: number | null;
}

/** What a window must leave for an answer of which no length was asked for. Tokens. */
const LEAST_OUTPUT = 1;
/** Bytes of a token, as placement counts them. */
const BYTES_A_TOKEN = 4;

/** Where the window is known, the output is what it leaves; else by the size in memory. */
export function boundsOf(engine: EngineContext, sent: Sent, bytes: number): CallBounds {
  const asked = sent.settings.maxOutputTokens;
  // No call to some targets may be shorter.
  const bound = asked === undefined ? null : Math.max(LIMITS.minOutputTokens, asked);
  const window = windowOf(engine, sent.model);
  if (window === null) return { inputBytes: bytes, outputBound: bound };
  const tokens = countTokens(engine, sent);
  return {
    inputBytes: tokens * BYTES_A_TOKEN,
    outputBound: bound ?? Math.max(LEAST_OUTPUT, Math.min(DEFAULT_OUTPUT_BOUND, window - tokens)),
  };
}

/** The same for the next call of a turn that runs. */
export function callBounds(engine: EngineContext, { base, live, call }: RunningTurn): CallBounds {
  return boundsOf(
    engine,
    { model: base.model, context: live.context.runs, settings: call },
    live.context.bytes / 2 + live.context.attached,
  );
}

/**
 * The context as it is sent: whole, or without its oldest items if it does not fit and may be truncated.
 * @throws context_length_exceeded if it does not fit a window that is known
 */
export function fitContext(engine: EngineContext, sent: Sent, truncation: 'auto' | 'disabled'): readonly ContextRun[] {
  const window = windowOf(engine, sent.model);
  if (window === null) return sent.context;
  const asked = sent.settings.maxOutputTokens;
  const output = asked ?? LEAST_OUTPUT;
  const tokens = countTokens(engine, sent);
  if (tokens + output <= window) return sent.context;
  const most = window - output - countTokens(engine, { ...sent, context: [] });
  const fitting = truncation === 'auto' ? truncateRuns(sent.context, most) : null;
  if (fitting !== null) return fitting;
  const beside = asked === undefined ? '' : ` and ${asked} of output`;
  throw perdureError(
    'context_length_exceeded',
    `The input comes to about ${tokens} tokens${beside}; the window of this model is ${window}.`,
    { param: 'input' },
  );
}
