/** A session whose agent has an async function, as tests drive it. */
import type { PerdureError, SessionInputEvent } from '@perdure/protocol';
import { batches, type CallScript, message } from '../scripted-provider.test-support.ts';
import { ACME, type Booted, type World } from '../world.test-support.ts';
import { calls, type NamedCall } from './agent-world.test-support.ts';

const fn = (name: string, async: boolean): object => ({
  type: 'function',
  name,
  description: name,
  parameters: { type: 'object' },
  async,
});
/** `slow` is async, `quick` is not. */
export const AGENT: object = { agent: { model: 'gpt', tools: [fn('slow', true), fn('quick', false)] } };
export const CALL = 'call_slow_0';
export const UNKNOWN: string = `Unknown pending tool call: ${CALL}`;

export const says =
  (text: string): CallScript =>
  () =>
    batches(message(text));
export const asks =
  (...named: readonly NamedCall[]): CallScript =>
  () =>
    batches(calls(...named));
/** What no other target would take either. */
export const rejects: CallScript = () => {
  throw Object.assign(new Error('no'), {
    providerError: 'upstream_rejected',
    retryable: false,
    retryAfterMs: null,
    status: 400,
    param: null,
    requestId: null,
  });
};

export interface Driven extends Pick<Booted, 'engine'> {
  readonly id: string;
}

/** Ids of its turns on the wire, oldest first. */
export async function turnIds({ engine, id }: Driven): Promise<string[]> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 100, after: null });
  return data.map(({ row }) => row.id.replace('resp_', 'turn_'));
}

export interface Answered {
  /** Which of its turns made the call. */
  readonly turn?: number;
  readonly callId?: string;
  readonly output?: string;
  readonly error?: string;
}

export async function answer(here: Driven, { turn = 0, callId = CALL, ...more }: Answered = {}): Promise<void> {
  const turnId = (await turnIds(here))[turn] ?? 'turn_none';
  const said =
    more.error === undefined ? { success: true, output: more.output ?? 'it rains' } : { success: false, ...more };
  const event = { type: 'agent.session.input.tool_result', turn_id: turnId, call_id: callId, ...said };
  await here.engine.agentSessions.post(ACME, here.id, [event as SessionInputEvent], null);
}

export function say({ engine, id }: Driven, text: string): Promise<void> {
  const input = [{ role: 'user' as const, content: [{ type: 'input_text' as const, text }] }];
  return engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.message', input }], null);
}

/** Everything that the nth call was sent, as text; -1: the last. */
export function sent(world: World, n: number): string {
  return JSON.stringify(world.provider.calls.at(n)?.context ?? null);
}

export const times = (text: string, what: string): number => text.split(what).length - 1;

/** The message of the error that a promise rejects with; empty if it does not. */
export async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return '';
  } catch (error) {
    return (error as PerdureError).message;
  }
}
