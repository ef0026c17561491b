/** What a log says of an environment that stands otherwise than before. */
import type { EnvironmentNow, EventBody, JsonObject } from '../../log/events.ts';
import { MAX_ENVIRONMENT_CHANGES, type SessionState } from '../../session/state.ts';

export type Changed = Extract<EventBody, { type: 'environment.changed' }>;

export function changedEvent(
  now: EnvironmentNow,
  error: JsonObject | null,
  { reset, files }: { readonly reset: boolean; readonly files: number },
): Changed {
  const payload = error === null ? null : { error };
  return {
    type: 'environment.changed',
    head: { ...now, ...(reset && { reset }), ...(files > 0 && { files }) },
    payload,
  };
}

/** What a turn says before it waits for a worker, if readers were told that one is there. */
export function disconnectedBefore({ environment }: SessionState, id: string): readonly EventBody[] {
  if (environment === undefined || environment.status === 'disconnected') return [];
  if (environment.changes >= MAX_ENVIRONMENT_CHANGES) return [];
  return [changedEvent({ environment: id, kind: 'self_hosted', status: 'disconnected' }, null, NOTHING_DONE)];
}

const NOTHING_DONE = { reset: false, files: 0 };
