/**
 * Webhooks: who is told of approvals and of sessions, and what of it was delivered. The forms are those of OpenAI's webhook endpoints, with
 * what only we have beside it. Times are seconds since 1970.
 */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { Parsed } from '../parse.ts';
import { parseOwnBody } from './own-body.ts';

/** What a webhook can be told. Ids only: what was asked, and said, is read with a key. */
export const WEBHOOK_EVENTS = [
  'perdure.approval.requested',
  'perdure.approval.granted',
  'perdure.approval.denied',
  'perdure.approval.expired',
  'agent.session.idle',
  'agent.session.action_required',
  'agent.session.failed',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Webhooks that a tenant may make. */
export const WEBHOOKS_MOST = 16;
/** Hours that an old secret signs beside the new one: at most a week. */
export const ROTATION_HOURS_MOST = 168;

export type WebhookResource = {
  readonly id: string;
  readonly object: 'webhook_endpoint';
  readonly name: string;
  readonly url: string;
  readonly event_types: readonly string[];
  /** The end of the secret, by which people know it. */
  readonly signing_secret_hint: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  /** `config`: it stands in perdure.yaml, and is changed there. */
  readonly source: 'api' | 'config';
  /** `disabled`: it failed for too long, and is told nothing until it is enabled. */
  readonly status: 'enabled' | 'disabled';
  /** When deliveries began to fail, and why the last one did; null while they succeed. */
  readonly failing_since: number | null;
  readonly last_error: string | null;
  /** Until when an old secret signs too. */
  readonly old_secret_until: number | null;
};
/** Shown once, when it is made or changed. */
export type WebhookWithSecret = WebhookResource & { readonly signing_secret: string };

export type WebhookDelivery = {
  readonly id: string;
  readonly object: 'perdure.webhook_delivery';
  readonly webhook_id: string;
  readonly event_type: string;
  readonly status: 'pending' | 'delivered';
  /** Tries so far. */
  readonly attempts: number;
  readonly last_error: string | null;
  readonly created_at: number;
  readonly delivered_at: number | null;
};

export type WebhookDeleted = {
  readonly id: string;
  readonly object: 'webhook_endpoint.deleted';
  readonly deleted: true;
};
export type WebhookTested = {
  readonly object: 'webhook_endpoint.test';
  readonly webhook_endpoint_id: string;
  readonly event_type: string;
  readonly success: boolean;
  /** Of the answer; null if none came. */
  readonly status_code: number | null;
  readonly error: string | null;
};

export type CreateWebhook = {
  readonly name: string;
  readonly url: string;
  readonly event_types: readonly WebhookEvent[];
};
export type RotateWebhook = { readonly keep_old_secret_for_hours?: number };
export type TestWebhook = { readonly event_type?: WebhookEvent };

const text = z.string();
const orNull = text.nullable();
const time = z.int().nullable();
const shape = {
  id: text,
  object: z.literal('webhook_endpoint'),
  name: text,
  url: text,
  event_types: z.array(text),
  signing_secret_hint: orNull,
  created_at: z.int(),
  updated_at: z.int(),
  source: z.enum(['api', 'config']),
  status: z.enum(['enabled', 'disabled']),
  failing_since: time,
  last_error: orNull,
  old_secret_until: time,
};
export const webhookSchema: z.ZodType<WebhookResource> = z.object(shape);
export const webhookWithSecretSchema: z.ZodType<WebhookWithSecret> = z.object({ ...shape, signing_secret: text });
export const webhookDeliverySchema: z.ZodType<WebhookDelivery> = z.object({
  id: text,
  object: z.literal('perdure.webhook_delivery'),
  webhook_id: text,
  event_type: text,
  status: z.enum(['pending', 'delivered']),
  attempts: z.int(),
  last_error: orNull,
  created_at: z.int(),
  delivered_at: time,
});
export const webhookDeletedSchema: z.ZodType<WebhookDeleted> = z.object({
  id: text,
  object: z.literal('webhook_endpoint.deleted'),
  deleted: z.literal(true),
});
export const webhookTestedSchema: z.ZodType<WebhookTested> = z.object({
  object: z.literal('webhook_endpoint.test'),
  webhook_endpoint_id: text,
  event_type: text,
  success: z.boolean(),
  status_code: time,
  error: orNull,
});

export type WebhookPage<Of> = {
  readonly object: 'list';
  readonly data: readonly Of[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
};
const page = <Of>(of: z.ZodType<Of>): z.ZodType<WebhookPage<Of>> =>
  z.object({
    object: z.literal('list'),
    data: z.array(of),
    first_id: orNull,
    last_id: orNull,
    has_more: z.boolean(),
  });
export const webhookPageSchema: z.ZodType<WebhookPage<WebhookResource>> = page(webhookSchema);
export const webhookDeliveryPageSchema: z.ZodType<WebhookPage<WebhookDelivery>> = page(webhookDeliverySchema);

export const createWebhookBody: z.ZodType<CreateWebhook> = z.strictObject({
  name: text.min(1).max(LIMITS.nameChars),
  url: text.max(2_048).meta({ description: 'Where it listens, https.' }),
  event_types: z.array(z.enum(WEBHOOK_EVENTS)).min(1).max(WEBHOOK_EVENTS.length),
});
export const rotateWebhookBody: z.ZodType<RotateWebhook> = z.strictObject({
  keep_old_secret_for_hours: z
    .int()
    .min(0)
    .max(ROTATION_HOURS_MOST)
    .meta({ description: 'For how long the old secret signs beside the new one. Default: 24.' })
    .exactOptional(),
});
export const testWebhookBody: z.ZodType<TestWebhook> = z.strictObject({
  event_type: z.enum(WEBHOOK_EVENTS).meta({ description: 'Default: the first that it is told.' }).exactOptional(),
});

export function parseCreateWebhook(body: unknown): Parsed<CreateWebhook> {
  return parseOwnBody(createWebhookBody, body);
}
export function parseRotateWebhook(body: unknown): Parsed<RotateWebhook> {
  return parseOwnBody(rotateWebhookBody, body);
}
export function parseTestWebhook(body: unknown): Parsed<TestWebhook> {
  return parseOwnBody(testWebhookBody, body);
}
