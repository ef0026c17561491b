/** Sessions of agents, as automations start and tell them. */
import {
  type CreateSession,
  isPerdureError,
  parseCreateSession,
  perdureError,
  type PerdureError,
} from '@perdure/protocol';
import type { AutomationSessions } from '../../engine/automations/ports.ts';
import type { Engine } from '../../engine/engine.ts';
import { idBody } from '../../kernel/ids.ts';

export function sessionsOf({ agentSessions, placing }: Engine): AutomationSessions {
  return {
    async check(_caller, body) {
      try {
        const model = wanted(body).agent?.config.model;
        if (model !== undefined && !placing.models().some(({ id }) => id === model))
          throw perdureError('model_not_found', `The model '${model.slice(0, 64)}' is served by no target.`, {
            param: 'agent.model',
          });
      } catch (error) {
        throw isPerdureError(error) ? ofTarget(error) : error;
      }
    },
    // The key is the id of an invocation: nothing else has its body.
    start: (caller, body, key) => agentSessions.createOnce(caller, wanted(body), idBody(key, 'inv') ?? key),
    async state(caller, session) {
      const view = await unlessGone(agentSessions.view(caller, session));
      if (view === null) return 'gone';
      return view.status === 'idle' || view.status === 'failed' ? 'ready' : 'busy';
    },
    async send(caller, session, text, key) {
      const input = [{ role: 'user', content: [{ type: 'input_text', text }] }] as const;
      const events = [{ type: 'agent.session.input.message', input }] as const;
      const sent = await unlessGone(agentSessions.post(caller, session, events, { key, body: text }).then(() => true));
      return sent === null ? 'gone' : 'sent';
    },
  };
}

/** @throws PerdureError */
function wanted(body: unknown): CreateSession {
  const parsed = parseCreateSession(body);
  if (!parsed.ok) throw parsed.error;
  return { ...parsed.value, stream: false };
}

function ofTarget({ code, message, status, param }: PerdureError): Error {
  return perdureError(code, message, { status, param: param === null ? 'target' : `target.${param}` });
}

async function unlessGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isPerdureError(error) && error.code === 'session_not_found') return null;
    throw error;
  }
}
