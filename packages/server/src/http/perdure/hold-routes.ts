/** `/perdure/v1/holds`: for operators, and auditors to read. */
import { parseCreateHold } from '@perdure/protocol';
import type { Exchange, HttpDeps } from '../types.ts';
import { bodyOf, send, sendList, single, viewer, wholeIn } from './govern-routes.ts';

const KEPT_DEFAULT = 20;
const KEPT_MOST = 100;

export async function listHolds({ holds }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await holds.list(viewer(exchange)));
}

export async function placeHold(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await deps.holds.place(viewer(exchange), await bodyOf(deps, exchange, parseCreateHold)));
}

export async function liftHold({ holds }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await holds.lift(viewer(exchange), id));
}

export async function listKept({ holds }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const limit = wholeIn(exchange, 'limit', KEPT_DEFAULT, 1, KEPT_MOST);
  send(exchange, await holds.kept(viewer(exchange), id, single(exchange, 'after'), limit));
}
