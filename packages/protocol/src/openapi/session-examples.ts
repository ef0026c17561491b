/** Examples of sessions for the OpenAPI document. */
import type { JsonObject } from '../json.ts';
import type { SessionAnswerName, SessionRequestName } from './session-schemas.ts';

const SESSION = 'sess_01jxq0v6w0local4z8k2m6r1t5y';
const TURN = 'turn_01jxq0v6w0local4z8k2m6r1t60';
const AT = 1_773_964_800;
const said = [{ role: 'user', content: [{ type: 'input_text', text: 'What is in the report?' }] }];

export const SESSION_EXAMPLES: { readonly [name in SessionAnswerName | SessionRequestName]?: JsonObject } = {
  CreateSession: {
    environment: { type: 'none' },
    agent: { model: 'gpt-5.2', instructions: 'Answer briefly.' },
    input: 'What is in the report?',
    metadata: { team: 'docs' },
    spend_control: { limit: 500 },
  },
  UpdateSession: { agent: { model: 'gpt-5.2' }, metadata: { team: 'sales' }, spend_control: { limit: 1_000 } },
  SessionInput: { events: [{ type: 'agent.session.input.message', input: said }] },
  AgentSessionDeleted: { id: SESSION, object: 'agent.session.deleted', deleted: true },
  AgentTurn: {
    id: TURN,
    object: 'agent.session.turn',
    session_id: SESSION,
    agent_id: 'agent_01jxq0v6w0local4z8k2m6r1t5y',
    subagent_id: null,
    status: 'in_progress',
    created_at: AT,
    started_at: AT,
    completed_at: null,
    error: null,
    usage: null,
  },
  Subagent: {
    id: 'subagent_01jxq0v6w0local4z8k2m6r1t61',
    object: 'agent.session.subagent',
    session_id: SESSION,
    parent_agent_id: 'agent_01jxq0v6w0local4z8k2m6r1t5y',
    name: 'reader',
    instructions: [{ type: 'output_text', text: 'Read the report and name its three main points.' }],
    status: 'active',
    opened_at: AT,
    closed_at: null,
  },
};
