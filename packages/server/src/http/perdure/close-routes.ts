/** `/perdure/v1/usage/closes`: for operators, and auditors to read. */
import { parseCloseMonth, parseRestateMonth } from '@perdure/protocol';
import type { Exchange, HttpDeps } from '../types.ts';
import { bodyOf, send, sendList, viewer } from './govern-routes.ts';

export async function listCloses({ closes }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await closes.list());
}

export async function closeMonth(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { month } = await bodyOf(deps, exchange, parseCloseMonth);
  send(exchange, await deps.closes.close(viewer(exchange).principal, month));
}

export async function restateMonth(deps: HttpDeps, exchange: Exchange, month: string): Promise<void> {
  const { reason } = await bodyOf(deps, exchange, parseRestateMonth);
  send(exchange, await deps.closes.restate(viewer(exchange).principal, month, reason));
}
