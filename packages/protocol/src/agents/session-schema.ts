/** `POST /v1/agents/sessions` and what is sent to a session, as requests give it. */
import * as z from 'zod';
import type { JsonObject } from '../json.ts';
import { imageUrl } from '../inline-data.ts';
import { LIMITS } from '../limits.ts';
import { boundedList, fault, freeObject, metadata, type Parsed, parseBody } from '../parse.ts';
import type { Metadata } from '../responses/settings.ts';
import type { AgentConfigInput } from './agent-config.ts';
import { agentConfigInput } from './agent-schema.ts';

/** Bounds that only sessions of agents have. */
export const SESSION_LIMITS: {
  /** Input events of one request. */
  readonly events: number;
  /** Messages of one input. */
  readonly messages: number;
  readonly vaults: number;
  /** Cents. */
  readonly spendLimit: number;
} = { events: 32, messages: 64, vaults: 10, spendLimit: 1_000_000_000 };

const id = z.string().min(1).max(LIMITS.idChars);

/** A part of a message or of a tool's result. */
export type SessionContent =
  | { readonly type: 'input_text'; readonly text: string }
  | { readonly type: 'input_image'; readonly image_url: string };

const content: z.ZodType<SessionContent> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('input_text'), text: z.string().max(LIMITS.textChars) }),
  z.object({ type: z.literal('input_image'), image_url: imageUrl }),
]);

export interface SessionMessage {
  readonly role: 'user';
  readonly content: readonly SessionContent[];
}

/** At least one, at most so many. */
function some<Item>(item: z.ZodType<Item>, max: number): z.ZodType<readonly Item[]> {
  return z.array(item).min(1).max(max);
}

const message: z.ZodType<SessionMessage> = z
  .object({
    type: z.literal('message').optional(),
    role: z.literal('user'),
    content: some(content, LIMITS.contentParts),
  })
  .transform(({ role, content: parts }) => ({ role, content: parts }));

const messages = z
  .union([z.string().max(LIMITS.textChars), boundedList(message, SESSION_LIMITS.messages)])
  .transform((given): readonly SessionMessage[] =>
    typeof given === 'string' ? [{ role: 'user', content: [{ type: 'input_text', text: given }] }] : given,
  );

const spendControl = z.object({ limit: z.int().min(1).max(SESSION_LIMITS.spendLimit).nullable() });
const review = z.enum(['none', 'auto_review']);

export interface CreateSession {
  readonly agent: AgentConfigInput | null;
  readonly agentId: string | null;
  /** Its `type` was checked by nobody yet. */
  readonly environment: JsonObject & { readonly type: string };
  /** Empty if none was given. */
  readonly input: readonly SessionMessage[];
  readonly metadata: Metadata;
  readonly review: 'none' | 'auto_review';
  /** Cents; null: no limit. */
  readonly spendLimit: number | null;
  readonly stream: boolean;
  readonly vaultIds: readonly string[];
}

const environment = freeObject.superRefine((given, ctx) => {
  if (typeof given['type'] !== 'string')
    fault(ctx, 'invalid_request', "Missing required parameter: 'environment.type'.");
});

export const createSessionBody: z.ZodType<CreateSession> = z
  .object({
    environment,
    agent: agentConfigInput.nullish(),
    agent_id: id.nullish(),
    input: messages.nullish(),
    metadata: metadata.nullish(),
    review: review.nullish(),
    spend_control: spendControl.nullish(),
    stream: z.boolean().nullish(),
    vault_ids: boundedList(id, SESSION_LIMITS.vaults).nullish(),
  })
  .transform((given, ctx): CreateSession => {
    const input = given.input ?? [];
    const kind = given.environment['type'];
    if (given.agent_id == null && given.agent?.config.model === undefined)
      return fault(ctx, 'invalid_request', "Missing required parameter: 'agent.model'.", ['agent']);
    if (input.length === 0 && (kind === 'none' || (given.stream === true && kind !== 'self_hosted')))
      return fault(ctx, 'invalid_request', "Missing required parameter: 'input'.", ['input']);
    return {
      agent: given.agent ?? null,
      agentId: given.agent_id ?? null,
      environment: given.environment as CreateSession['environment'],
      input,
      metadata: given.metadata ?? {},
      review: given.review ?? 'none',
      spendLimit: given.spend_control?.limit ?? null,
      stream: given.stream ?? false,
      vaultIds: given.vault_ids ?? [],
    };
  });

/** What an update names; absent fields stay. */
export interface UpdateSession {
  readonly agent: AgentConfigInput | null;
  readonly metadata?: Metadata;
  readonly review?: 'none' | 'auto_review';
  readonly spendLimit?: number | null;
}

export const updateSessionBody: z.ZodType<UpdateSession> = z
  .object({
    agent: agentConfigInput.nullish(),
    metadata: metadata.nullish(),
    review: review.nullish(),
    spend_control: spendControl.nullish(),
  })
  .transform((given, ctx): UpdateSession => {
    const named = Object.keys(given.agent?.config ?? {});
    const fixed = named.find(name => !UPDATABLE.has(name));
    if (fixed !== undefined)
      return fault(ctx, 'unsupported_parameter', `'agent.${fixed}' of a session cannot be changed.`, ['agent', fixed]);
    return {
      agent: given.agent ?? null,
      ...(given.metadata !== undefined && { metadata: given.metadata ?? {} }),
      ...(given.review != null && { review: given.review }),
      ...(given.spend_control !== undefined && { spendLimit: given.spend_control?.limit ?? null }),
    };
  });

const UPDATABLE: ReadonlySet<string> = new Set(['model', 'reasoning', 'service_tier', 'tools']);

const output = z.union([z.string().max(LIMITS.textChars), boundedList(content, LIMITS.contentParts)]);

export type SessionInputEvent =
  | { readonly type: 'agent.session.input.message'; readonly input: readonly SessionMessage[] }
  | { readonly type: 'agent.session.input.cancel' }
  | {
      readonly type: 'agent.session.input.tool_result';
      readonly turn_id: string;
      readonly call_id: string;
      readonly success: boolean;
      readonly error?: string | null | undefined;
      readonly output?: string | readonly SessionContent[] | null | undefined;
    };

const inputEvent: z.ZodType<SessionInputEvent> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('agent.session.input.message'), input: some(message, SESSION_LIMITS.messages) }),
  z.object({ type: z.literal('agent.session.input.cancel') }),
  z.object({
    type: z.literal('agent.session.input.tool_result'),
    turn_id: id,
    call_id: z.string().min(1).max(LIMITS.callIdChars),
    success: z.boolean(),
    error: z.string().max(LIMITS.textChars).nullish(),
    output: output.nullish(),
  }),
]);

export const inputEventsBody: z.ZodType<{ readonly events: readonly SessionInputEvent[] }> = z.object({
  events: some(inputEvent, SESSION_LIMITS.events),
});

export const parseCreateSession = (body: unknown): Parsed<CreateSession> => parseBody(createSessionBody, body);
export const parseUpdateSession = (body: unknown): Parsed<UpdateSession> => parseBody(updateSessionBody, body);
export const parseInputEvents = (body: unknown): Parsed<{ readonly events: readonly SessionInputEvent[] }> =>
  parseBody(inputEventsBody, body);
