/** Automations and their invocations, in the wire form of OpenAI's Agents API. */
import * as z from 'zod';
import type { JsonObject } from '../json.ts';
import { freeObject } from '../parse.ts';
import type { Metadata } from '../responses/settings.ts';

export const AUTOMATION_LIMITS: {
  readonly nameChars: number;
  readonly expressionChars: number;
  readonly timezoneChars: number;
  /** What an existing session is told. */
  readonly instructionsChars: number;
  /** First messages of a new session. */
  readonly inputMessages: number;
  readonly vaults: number;
  /** Of a whole target as JSON in UTF-8. */
  readonly targetBytes: number;
  /** How far ahead `run_at` may lie, s: ten years. */
  readonly aheadSeconds: number;
} = {
  nameChars: 256,
  expressionChars: 128,
  timezoneChars: 64,
  instructionsChars: 65_536,
  inputMessages: 64,
  vaults: 10,
  targetBytes: 256 * 1024,
  aheadSeconds: 10 * 366 * 86_400,
};

export type AutomationTarget =
  | {
      readonly type: 'new_session';
      /** The inline configuration with its defaults; null if a saved agent is named. */
      readonly agent: JsonObject | null;
      readonly agent_id: string | null;
      /** What it was given as, without contents, commands and variables. */
      readonly environment: JsonObject;
      readonly input: readonly JsonObject[];
      readonly metadata: Metadata;
      readonly vault_ids: readonly string[];
    }
  | { readonly type: 'existing_session'; readonly instructions: string; readonly session_id: string };

export type AutomationCreatedBy =
  | { readonly type: 'developer' }
  | { readonly type: 'agent'; readonly session_id: string; readonly tool_call_id: string };

interface AutomationShared {
  readonly id: string;
  readonly object: 'agent.automation';
  /** Seconds since 1970, as every time here. */
  readonly created_at: number;
  readonly created_by: AutomationCreatedBy;
  readonly metadata: Metadata;
  readonly name: string;
  readonly target: AutomationTarget;
}
export type AutomationResource = AutomationShared &
  (
    | {
        readonly type: 'periodic';
        readonly expression: string;
        readonly timezone: string;
        readonly status: 'active' | 'paused';
      }
    /** `completed`: the schedule has ended, the agent's work perhaps not. */
    | { readonly type: 'once'; readonly run_at: number; readonly status: 'active' | 'paused' | 'completed' }
  );

export type AutomationDeleted = {
  readonly id: string;
  readonly object: 'agent.automation.deleted';
  readonly deleted: true;
};

export type InvocationStatus = 'queued' | 'completed' | 'failed' | 'skipped';
export type InvocationResource = {
  readonly id: string;
  readonly object: 'agent.automation.invocation';
  readonly automation_id: string;
  readonly created_at: number;
  /** Why it was not delivered, for good. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The time of the schedule; null if somebody asked for the run. */
  readonly scheduled_at: number | null;
  readonly session_id: string | null;
  readonly skip_reason: 'pending_delivery' | null;
  readonly source:
    | { readonly type: 'manual' }
    /** As the automation was when the time came. */
    | { readonly type: 'automation'; readonly automation: AutomationResource };
  /** `completed`: delivered. */
  readonly status: InvocationStatus;
};

const target = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('new_session'),
    agent: freeObject.nullable(),
    agent_id: z.string().nullable(),
    environment: freeObject,
    input: z.array(freeObject),
    metadata: z.record(z.string(), z.string()),
    vault_ids: z.array(z.string()),
  }),
  z.object({ type: z.literal('existing_session'), instructions: z.string(), session_id: z.string() }),
]);
const shared = {
  id: z.string(),
  object: z.literal('agent.automation'),
  created_at: z.int(),
  created_by: z.discriminatedUnion('type', [
    z.object({ type: z.literal('developer') }),
    z.object({ type: z.literal('agent'), session_id: z.string(), tool_call_id: z.string() }),
  ]),
  metadata: z.record(z.string(), z.string()),
  name: z.string(),
  target,
};
export const automationSchema: z.ZodType<AutomationResource> = z.discriminatedUnion('type', [
  z.object({
    ...shared,
    type: z.literal('periodic'),
    expression: z.string(),
    timezone: z.string(),
    status: z.enum(['active', 'paused']),
  }),
  z.object({
    ...shared,
    type: z.literal('once'),
    run_at: z.int(),
    status: z.enum(['active', 'paused', 'completed']),
  }),
]);
export const automationDeletedSchema: z.ZodType<AutomationDeleted> = z.object({
  id: z.string(),
  object: z.literal('agent.automation.deleted'),
  deleted: z.literal(true),
});
export const invocationSchema: z.ZodType<InvocationResource> = z.object({
  id: z.string(),
  object: z.literal('agent.automation.invocation'),
  automation_id: z.string(),
  created_at: z.int(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  scheduled_at: z.int().nullable(),
  session_id: z.string().nullable(),
  skip_reason: z.literal('pending_delivery').nullable(),
  source: z.discriminatedUnion('type', [
    z.object({ type: z.literal('manual') }),
    z.object({ type: z.literal('automation'), automation: automationSchema }),
  ]),
  status: z.enum(['queued', 'completed', 'failed', 'skipped']),
});

/** Schemas by the `object` of what they describe. */
export const AUTOMATION_OBJECTS: { readonly [object: string]: z.ZodType } = {
  'agent.automation': automationSchema,
  'agent.automation.deleted': automationDeletedSchema,
  'agent.automation.invocation': invocationSchema,
};
