/** How a call of a turn ends; and what is left of one that did not come to its end: the events that close it, and what its readers are still to be shown. */
import { type EventBody, NO_IDS, NO_USAGE, type OutputPayload, type UpstreamIds, type Usage } from '../log/events.ts';
import type { Step } from '../log/steps.ts';
import { OutputBuilder, type WireEvent } from '../session/output.ts';
import { regenerate } from '../session/regenerate.ts';
import type { TurnState } from '../session/state.ts';
import type { ProviderError } from './ports.ts';
import type { RunningTurn } from './turn.ts';

/** Four characters a token: for an upstream that does not say. */
export function estimatedUsage(input: number, builder: OutputBuilder): Usage {
  const chars = builder.items.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
  return { input, cached: 0, output: Math.ceil(chars / 4), reasoning: 0 };
}

export const goneTarget = (): ProviderError =>
  Object.assign(failedCall('The target of this call is no longer configured.'), { unsent: true as const });

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

export function builderOf(turn: RunningTurn, call: number): OutputBuilder {
  const place = { body: turn.body, call, seq: turn.seq, index: turn.output.length, view: turn.view };
  return new OutputBuilder(turn.cut ? { ...place, phase: 'final_answer' } : place);
}

/**
 * The events of a call whose deltas nobody kept, made when somebody reads: its items as they are whole, a delta a part, which is what is read
 * back of them later. Call it before its items are added to the output.
 */
export function shownWhole(turn: RunningTurn, call: number, payload: OutputPayload): () => readonly WireEvent[] {
  const { length: index } = turn.output;
  const { cut } = turn;
  return () => {
    const place = { body: turn.body, call, seq: turn.seq, index, view: turn.view };
    const builder = new OutputBuilder(cut ? { ...place, phase: 'final_answer' } : place);
    const events: WireEvent[] = [];
    regenerate(payload, builder, events);
    turn.seq = builder.seq;
    return events;
  };
}

/** What closes an unfinished call in the output. */
interface Cut {
  /** Of the event that ends the call. */
  readonly count: number;
  readonly payload: OutputPayload | null;
  /** What its readers have been shown of it, and what they are still to be shown. */
  readonly shown: readonly WireEvent[];
  readonly unshown: WireEvent[];
  readonly shownCall: boolean;
}

type PlacedTurn = Pick<TurnState, 'streamed'> & { readonly call: NonNullable<TurnState['call']> };

function cutOff(turn: RunningTurn, placed: PlacedTurn, released: readonly Step[], commentary: boolean): Cut {
  // Nothing released: the cut leaves no trace in the output (DESIGN.md part 5).
  if (released.length === 0) return { count: 0, payload: null, shown: [], unshown: [], shownCall: false };
  const builder = builderOf(turn, placed.call.index);
  const shown: WireEvent[] = [];
  for (const one of released) builder.push(one, shown);
  const unshown: WireEvent[] = [];
  builder.cut(unshown, commentary);
  turn.output.push(...builder.items);
  turn.seq = builder.seq;
  turn.cut ||= commentary;
  const { items, hasCall: shownCall } = builder;
  return { count: items.length, payload: builder.payload(placed.streamed), shown, unshown, shownCall };
}

/** What a cut or failed call leaves: the events that close it, and what its readers are still to be shown. */
export function settled(
  turn: RunningTurn,
  placed: PlacedTurn,
  error: ProviderError,
  released: readonly Step[],
): Omit<Cut, 'count' | 'payload'> & { readonly bodies: EventBody[] } {
  const { call } = placed;
  const { usage, metered } = spent(error, call.reserved);
  const upstream: UpstreamIds = { ...NO_IDS, request: error.requestId };
  const { count, payload, ...rest } = cutOff(turn, placed, released, true);
  const head = { call: call.index, code: error.providerError, usage, metered, count, upstream };
  return { bodies: [{ type: 'call.failed', head, payload }], ...rest };
}

/**
 * The same of a call that was cancelled: what was shown stays, and is no commentary, since no other call gives the answer.
 * @param asked whether the upstream may have been asked: then nobody knows what was used, and its bound counts (L5)
 */
export function cancelledCall(
  turn: RunningTurn,
  placed: PlacedTurn,
  asked: boolean,
  released: readonly Step[],
): { readonly body: EventBody; readonly shown: readonly WireEvent[]; readonly unshown: readonly WireEvent[] } {
  const { index, reserved } = placed.call;
  const { count, payload, shown, unshown } = cutOff(turn, placed, released, false);
  const usage = asked ? { ...NO_USAGE, ...reserved } : NO_USAGE;
  const head = { call: index, usage, metered: asked ? ('bound' as const) : ('exact' as const), count };
  return { body: { type: 'call.cancelled', head, payload }, shown, unshown };
}

/** Whether the failed call used nothing for certain: it was never sent, or the upstream refused it. */
export function usedNothing({ unsent, status, providerError }: ProviderError): boolean {
  return unsent === true || (status !== null && status >= 400 && providerError !== 'upstream_interrupted');
}

/** What a failed call is charged at: nothing if it used none, else its bound, since nobody knows (L5). */
function spent(
  error: ProviderError,
  reserved: { input: number; output: number },
): { usage: Usage; metered: 'exact' | 'bound' } {
  if (usedNothing(error)) return { usage: NO_USAGE, metered: 'exact' };
  return { usage: { input: reserved.input, cached: 0, output: reserved.output, reasoning: 0 }, metered: 'bound' };
}

/** A call of which nothing was shown and whose end nobody knows: charged at its bound (L5). */
export function lostCall({ index, reserved }: NonNullable<TurnState['call']>, code: string): EventBody {
  const usage = { ...NO_USAGE, ...reserved };
  const head = { call: index, code, usage, metered: 'bound' as const, count: 0, upstream: NO_IDS };
  return { type: 'call.failed', head, payload: null };
}
