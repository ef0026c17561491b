/** Automations, as requests give them. */
import * as z from 'zod';
import { imageUrl } from '../inline-data.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { type ListQuery, parseListQuery, type RawQuery } from '../lists.ts';
import { boundedList, fault, metadata, parseBody, type Parsed, present } from '../parse.ts';
import { perdureError } from '../perdure-error.ts';
import type { Metadata } from '../responses/settings.ts';
import { AGENT_DEFAULTS, type AgentConfigInput } from './agent-config.ts';
import { agentConfigInput, agentToolResource } from './agent-schema.ts';
import { AUTOMATION_LIMITS, type AutomationTarget } from './automation.ts';
import { automationEnvironment } from './automation-environment.ts';

/** A target as it is shown, and as it was given: with its confidential values, to be kept sealed (L9). */
export interface AutomationTargetInput {
  readonly shown: AutomationTarget;
  readonly given: JsonObject;
}

/** `run_at` is in s since 1970. Whether an expression is one, and when it comes due, says who reads schedules. */
export type AutomationSchedule =
  | { readonly type: 'periodic'; readonly expression: string; readonly timezone: string }
  | { readonly type: 'once'; readonly run_at: number };

export interface AutomationCreate {
  readonly name: string;
  readonly metadata: Metadata;
  readonly schedule: AutomationSchedule;
  readonly target: AutomationTargetInput;
}

/** Absent fields stay as they are. */
export interface AutomationUpdate {
  readonly name?: string;
  readonly metadata?: Metadata;
  readonly expression?: string;
  readonly timezone?: string;
  readonly run_at?: number;
  readonly target?: AutomationTargetInput;
}

const id = z.string().min(1).max(LIMITS.idChars);
const name = z.string().min(1).max(AUTOMATION_LIMITS.nameChars);
/** Standard cron: numbers, names, `*`, lists, ranges, steps. No `L`, `W`, `#`, `?` and no nicknames such as `@daily`. */
const FIELD = '(?:\\*|[0-9]{1,2}|[A-Za-z]{3})(?:-(?:[0-9]{1,2}|[A-Za-z]{3}))?(?:/[0-9]{1,2})?';
const LIST = `${FIELD}(?:,${FIELD})*`;
const FIVE_FIELDS = new RegExp(`^\\s*${LIST}(?:\\s+${LIST}){4}\\s*$`);
const expression = z
  .string()
  .max(AUTOMATION_LIMITS.expressionChars)
  .refine(text => FIVE_FIELDS.test(text), {
    params: { code: 'invalid_request' },
    message: 'A schedule is a cron expression of five fields: minute, hour, day of the month, month, day of the week.',
  });
const timezone = z.string().min(1).max(AUTOMATION_LIMITS.timezoneChars);
const runAt = z.int().min(0).max(8_000_000_000);

const message = z
  .object({
    type: z.literal('message').nullish(),
    role: z.literal('user'),
    content: boundedList(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('input_text'), text: z.string().max(LIMITS.textChars) }),
        z.object({ type: z.literal('input_image'), image_url: imageUrl }),
      ]),
      LIMITS.contentParts,
    ),
  })
  .transform(({ role, content }): JsonObject => ({ type: 'message', role, content }));

const newSession = z
  .object({
    type: z.literal('new_session'),
    agent: agentConfigInput.optional(),
    agent_id: id.optional(),
    environment: automationEnvironment,
    input: boundedList(message, AUTOMATION_LIMITS.inputMessages),
    metadata: metadata.nullish(),
    vault_ids: boundedList(id, AUTOMATION_LIMITS.vaults).nullish(),
  })
  .transform((given, ctx): AutomationTarget => {
    const { agent, agent_id, environment, input, metadata: pairs, vault_ids } = given;
    if ((agent === undefined) === (agent_id === undefined))
      return fault(ctx, 'invalid_request', "A new session needs exactly one of 'agent' and 'agent_id'.");
    if (agent !== undefined && agent.config.model === undefined)
      return fault(ctx, 'invalid_request', "Missing required parameter: 'target.agent.model'.", ['agent', 'model']);
    if (input.length === 0 && environment['type'] === 'none')
      return fault(ctx, 'invalid_request', 'A session without an environment needs an input.', ['input']);
    return {
      type: 'new_session',
      agent: agent === undefined ? null : shownAgent(agent),
      agent_id: agent_id ?? null,
      environment,
      input,
      metadata: pairs ?? {},
      vault_ids: vault_ids ?? [],
    };
  });

const target: z.ZodType<AutomationTarget> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('existing_session'),
    instructions: z.string().min(1).max(AUTOMATION_LIMITS.instructionsChars),
    session_id: id,
  }),
  newSession,
]);

function shownAgent({ config }: AgentConfigInput): JsonObject {
  const { tools, ...rest } = { ...AGENT_DEFAULTS, model: '', ...config };
  return { ...rest, tools: tools.map(agentToolResource) };
}

const shared = { name, target, metadata: metadata.nullish() };
const createBody = z.discriminatedUnion('type', [
  z.object({ type: z.literal('periodic'), expression, timezone, ...shared }),
  z.object({ type: z.literal('once'), run_at: runAt, ...shared }),
]);
export const createAutomationBody: z.ZodType = createBody;
const updateBody = z.object({
  name: name.nullish(),
  metadata: metadata.nullish(),
  expression: expression.nullish(),
  timezone: timezone.nullish(),
  run_at: runAt.nullish(),
  target: target.nullish(),
});
export const updateAutomationBody: z.ZodType = updateBody;

/** @returns the target with what was given; an error if it is too large to be kept */
function withGiven(shown: AutomationTarget, body: unknown): Parsed<AutomationTargetInput> {
  // A body of JSON holds JSON.
  const given = isJsonObject(body) && isJsonObject(body['target']) ? (body['target'] as JsonObject) : {};
  const bytes = new TextEncoder().encode(JSON.stringify(given)).length;
  if (bytes <= AUTOMATION_LIMITS.targetBytes) return { ok: true, value: { shown, given } };
  const text = `'target' is too large: at most ${AUTOMATION_LIMITS.targetBytes} bytes as JSON.`;
  return { ok: false, error: perdureError('invalid_request', text, { param: 'target' }) };
}

/** A body of `POST /v1/agents/automations`. */
export function parseAutomationCreate(body: unknown): Parsed<AutomationCreate> {
  const parsed = parseBody<z.infer<typeof createBody>>(createBody, body);
  if (!parsed.ok) return parsed;
  const given = parsed.value;
  const kept = withGiven(given.target, body);
  if (!kept.ok) return kept;
  const schedule: AutomationSchedule =
    given.type === 'once'
      ? { type: 'once', run_at: given.run_at }
      : { type: 'periodic', expression: given.expression.trim(), timezone: given.timezone };
  return { ok: true, value: { name: given.name, metadata: given.metadata ?? {}, schedule, target: kept.value } };
}

/** A body of `POST /v1/agents/automations/{id}`. */
export function parseAutomationUpdate(body: unknown): Parsed<AutomationUpdate> {
  const parsed = parseBody<z.infer<typeof updateBody>>(updateBody, body);
  if (!parsed.ok) return parsed;
  const { target: shown, expression: cron, ...rest } = parsed.value;
  const plain = present({ ...rest, expression: cron?.trim() });
  if (shown === undefined || shown === null) return { ok: true, value: plain };
  const kept = withGiven(shown, body);
  return kept.ok ? { ok: true, value: { ...plain, target: kept.value } } : kept;
}

export type AutomationListQuery = ListQuery & { readonly session_id: string | null };

/** As every list, with `session_id`: those that tell this session. */
export function parseAutomationListQuery(query: RawQuery): Parsed<AutomationListQuery> {
  const { session_id: given, ...rest } = query;
  const parsed = parseListQuery(rest);
  if (!parsed.ok) return parsed;
  const [session = null, more] = given ?? [];
  if (more === undefined && (session === null || (session.length > 0 && session.length <= LIMITS.idChars)))
    return { ok: true, value: { ...parsed.value, session_id: session } };
  const error = perdureError('invalid_request', "'session_id' must be one id.", { param: 'session_id' });
  return { ok: false, error };
}
