/** Traces of agent sessions. */
import { READ, type Route } from './route.ts';

export const TRACE_ROUTES: readonly Route[] = [
  {
    method: 'get',
    path: '/v1/agents/sessions/{session_id}/traces',
    operationId: 'listSessionTraces',
    tag: 'sessions',
    summary: 'The traces of the finished turns of a session, as OTLP in JSON.',
    answer: 'TraceList',
    query: ['limit', 'order', 'after'],
    errors: [...READ, 'invalid_request', 'unsupported_parameter', 'session_not_found'],
  },
];
