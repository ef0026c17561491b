/** `/v1/agents/sessions/{id}/subagents`: the sub-agents of a session, their turns and items. Read only: agents make and drive them. */
import { listPage } from '@perdure/protocol';
import type { Exchange, HttpDeps } from '../types.ts';
import { queryOf, send, sendItems, sendTurn, sendTurnItems, sendTurns, type TurnReader } from './session-routes.ts';
import { subagentResource } from './subagent-resource.ts';

function readerOf({ engine: { subagents } }: HttpDeps, { caller }: Exchange, id: string, subagent: string): TurnReader {
  return {
    session: id,
    look: () => subagents.view(caller, id, subagent),
    turn: turn => subagents.turn(caller, id, subagent, turn),
    turns: query => subagents.turns(caller, id, subagent, query),
  };
}

export async function listSubagents(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { order, limit, after = null } = queryOf(exchange);
  const { data, hasMore } = await deps.engine.subagents.list(exchange.caller, id, { order, limit, after });
  send(exchange, listPage(data.map(subagentResource), hasMore));
}

export async function getSubagent(deps: HttpDeps, exchange: Exchange, id: string, subagent: string): Promise<void> {
  send(exchange, subagentResource(await deps.engine.subagents.view(exchange.caller, id, subagent)));
}

export function listSubagentItems(deps: HttpDeps, exchange: Exchange, id: string, subagent: string): Promise<void> {
  return sendItems(exchange, readerOf(deps, exchange, id, subagent));
}

export function listSubagentTurns(deps: HttpDeps, exchange: Exchange, id: string, subagent: string): Promise<void> {
  return sendTurns(exchange, readerOf(deps, exchange, id, subagent));
}

export function getSubagentTurn(
  deps: HttpDeps,
  exchange: Exchange,
  id: string,
  subagent: string,
  turn: string,
): Promise<void> {
  return sendTurn(exchange, readerOf(deps, exchange, id, subagent), turn);
}

export function listSubagentTurnItems(
  deps: HttpDeps,
  exchange: Exchange,
  id: string,
  subagent: string,
  turn: string,
): Promise<void> {
  return sendTurnItems(exchange, readerOf(deps, exchange, id, subagent), turn);
}
