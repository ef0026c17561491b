/** `/v1/agents/automations`. */
import {
  type AutomationDeleted,
  listPage,
  parseAutomationCreate,
  parseAutomationListQuery,
  parseAutomationUpdate,
  type Parsed,
} from '@perdure/protocol';
import type { PageQuery } from '../../engine/automations/desk.ts';
import { automationResource, invocationResource } from '../../engine/automations/records.ts';
import { readJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function createAutomation(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const wanted = must(parseAutomationCreate((await readJson(exchange.req, deps.limits)).value));
  send(exchange, automationResource(await deps.automations.create(exchange.caller, wanted)));
}

export async function getAutomation({ automations }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, automationResource(await automations.read(exchange.caller, id)));
}

export async function updateAutomation(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const wanted = must(parseAutomationUpdate((await readJson(exchange.req, deps.limits)).value));
  send(exchange, automationResource(await deps.automations.update(exchange.caller, id, wanted)));
}

export async function listAutomations({ automations }: HttpDeps, exchange: Exchange): Promise<void> {
  const { session, page } = pageOf(exchange);
  const { entries, hasMore } = await automations.list(exchange.caller, page, session);
  send(exchange, listPage(entries.map(automationResource), hasMore));
}

export async function deleteAutomation({ automations }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await automations.delete(exchange.caller, id);
  const deleted: AutomationDeleted = { id, object: 'agent.automation.deleted', deleted: true };
  send(exchange, deleted);
}

export async function pauseAutomation({ automations }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, automationResource(await automations.pause(exchange.caller, id)));
}

export async function resumeAutomation({ automations }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, automationResource(await automations.resume(exchange.caller, id)));
}

export async function createInvocation({ automations }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, invocationResource(await automations.invoke(exchange.caller, id)));
}

export async function getInvocation(
  { automations }: HttpDeps,
  exchange: Exchange,
  id: string,
  invocation: string,
): Promise<void> {
  send(exchange, invocationResource(await automations.invocation(exchange.caller, id, invocation)));
}

export async function listInvocations({ automations }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { entries, hasMore } = await automations.invocations(exchange.caller, id, pageOf(exchange).page);
  send(exchange, listPage(entries.map(invocationResource), hasMore));
}

function pageOf({ req }: Exchange): { readonly page: PageQuery; readonly session: string | null } {
  const { limit, order, after, session_id: session } = must(parseAutomationListQuery(rawQuery(req.url)));
  return { page: { limit, order, after: after ?? null }, session };
}

function must<Value>(parsed: Parsed<Value>): Value {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

function send({ res, requestId }: Exchange, body: unknown): void {
  sendJson(res, 200, body, { 'x-request-id': requestId });
}
