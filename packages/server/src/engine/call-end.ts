/** How a call of a turn ends: what it used, where that must be found out; and what is left of one that failed or was cut. */
import type { EventBody, UpstreamIds, Usage } from '../log/events.ts';
import type { Step } from '../log/steps.ts';
import { OutputBuilder, type WireEvent } from '../session/output.ts';
import type { TurnState } from '../session/state.ts';
import type { ProviderError } from './ports.ts';
import type { RunningTurn } from './turn.ts';

const NO_USAGE: Usage = { input: 0, cached: 0, output: 0, reasoning: 0 };
export const NO_IDS: UpstreamIds = { response: null, request: null };

/** Four characters a token: for an upstream that does not say. */
export function estimatedUsage(input: number, builder: OutputBuilder): Usage {
  const chars = builder.items.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
  return { input, cached: 0, output: Math.ceil(chars / 4), reasoning: 0 };
}

export function failedCall(message: string): ProviderError {
  return Object.assign(new Error(message), {
    providerError: 'upstream_error' as const,
    retryable: true,
    retryAfterMs: null,
    status: null,
    param: null,
    requestId: null,
  });
}

/** What a failed call is charged at: nothing if the upstream refused it, else its bound, since nobody knows (L5). */
function spent(
  error: ProviderError,
  reserved: { input: number; output: number },
): { usage: Usage; metered: 'exact' | 'bound' } {
  const refused = error.status !== null && error.status >= 400 && error.providerError !== 'upstream_interrupted';
  if (refused) return { usage: NO_USAGE, metered: 'exact' };
  return { usage: { input: reserved.input, cached: 0, output: reserved.output, reasoning: 0 }, metered: 'bound' };
}

export function builderOf(turn: RunningTurn, call: number): OutputBuilder {
  const place = { body: turn.body, call, seq: turn.seq, index: turn.output.length };
  return new OutputBuilder(turn.cut ? { ...place, phase: 'final_answer' } : place);
}

/** What a cut or failed call leaves: the events that close it, and what its readers are still to be shown. */
export function settled(
  turn: RunningTurn,
  placed: Pick<TurnState, 'streamed'> & { readonly call: NonNullable<TurnState['call']> },
  error: ProviderError,
  released: readonly Step[],
): {
  readonly bodies: EventBody[];
  readonly shown: readonly WireEvent[];
  readonly unshown: WireEvent[];
  readonly shownCall: boolean;
} {
  const { call } = placed;
  const { usage, metered } = spent(error, call.reserved);
  const upstream: UpstreamIds = { ...NO_IDS, request: error.requestId };
  const head = { call: call.index, code: error.providerError, usage, metered, upstream };
  // Nothing released: the cut leaves no trace in the output (DESIGN.md part 5).
  if (released.length === 0)
    return {
      bodies: [{ type: 'call.failed', head: { ...head, count: 0 }, payload: null }],
      shown: [],
      unshown: [],
      shownCall: false,
    };
  const builder = builderOf(turn, call.index);
  const shown: WireEvent[] = [];
  for (const one of released) builder.push(one, shown);
  const unshown: WireEvent[] = [];
  builder.cut(unshown);
  turn.output.push(...builder.items);
  turn.seq = builder.seq;
  turn.cut = true;
  const payload = builder.payload(placed.streamed);
  return {
    bodies: [{ type: 'call.failed', head: { ...head, count: builder.items.length }, payload }],
    shown,
    unshown,
    shownCall: builder.hasFunctionCall,
  };
}

export function lostCall({ index, reserved }: NonNullable<TurnState['call']>, code: string): EventBody {
  const usage = { ...NO_USAGE, ...reserved };
  const head = { call: index, code, usage, metered: 'bound' as const, count: 0, upstream: NO_IDS };
  return { type: 'call.failed', head, payload: null };
}
