/** What begins a turn is let in only while there is room for one more. */
import type { AgentSessions } from './api.ts';

export function admittedSessions(
  sessions: AgentSessions,
  admitted: <T>(enter: () => Promise<T>) => Promise<T>,
): AgentSessions {
  return {
    ...sessions,
    create: (...given) => admitted(() => sessions.create(...given)),
    createOnce: (...given) => admitted(() => sessions.createOnce(...given)),
    post: (...given) => admitted(() => sessions.post(...given)),
  };
}
