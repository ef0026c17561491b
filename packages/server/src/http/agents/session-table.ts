/** The routes of sessions. */
import type { Row } from '../app.ts';
import type { HttpDeps, Scope } from '../types.ts';
import * as sessions from './session-routes.ts';
import * as subagents from './subagent-routes.ts';

export function sessionRoutes(deps: HttpDeps): readonly Row[] {
  const infer: readonly Scope[] = ['inference'];
  const read: readonly Scope[] = ['inference', 'read'];
  const path = '/v1/agents/sessions';
  type Of = (
    deps: HttpDeps,
    exchange: Parameters<Row[3]>[0],
    id: string,
    second: string,
    third: string,
  ) => Promise<void>;
  const row = (method: Row[0], rest: string, scopes: readonly Scope[], handler: Of): Row => [
    method,
    `${path}${rest}`,
    scopes,
    (exchange, [id = '', second = '', third = '']) => handler(deps, exchange, id, second, third),
  ];
  return [
    row('POST', '', infer, sessions.createSession),
    row('GET', '', read, sessions.listSessions),
    row('GET', '/:id', read, sessions.getSession),
    row('POST', '/:id', infer, sessions.updateSession),
    row('DELETE', '/:id', infer, sessions.deleteSession),
    row('POST', '/:id/events', infer, sessions.postEvents),
    row('GET', '/:id/events', read, sessions.getEvents),
    row('GET', '/:id/items', read, sessions.listItems),
    row('GET', '/:id/turns', read, sessions.listTurns),
    row('GET', '/:id/turns/:turn', read, sessions.getTurn),
    row('GET', '/:id/turns/:turn/items', read, sessions.listTurnItems),
    row('GET', '/:id/subagents', read, subagents.listSubagents),
    row('GET', '/:id/subagents/:sub', read, subagents.getSubagent),
    row('GET', '/:id/subagents/:sub/items', read, subagents.listSubagentItems),
    row('GET', '/:id/subagents/:sub/turns', read, subagents.listSubagentTurns),
    row('GET', '/:id/subagents/:sub/turns/:turn', read, subagents.getSubagentTurn),
    row('GET', '/:id/subagents/:sub/turns/:turn/items', read, subagents.listSubagentTurnItems),
  ];
}
