/** `permissions`, `approvals` and `webhooks` of perdure.yaml: who may call which tool, who says yes to it, and who is told. */
import * as z from 'zod';
import { WEBHOOK_EVENTS, type WebhookEvent } from '@perdure/protocol';
import type { ReviewModel } from '../../engine/review/review-call.ts';
import type { PermissionDefault } from '../../tool/permission.ts';
import { permissionFolder } from '../permissions/folders.ts';
import type { Maybe } from './file-form.ts';
import type { Path, Problem } from './problem.ts';
import { isWebhookKey, webhookUrlProblem, WEBHOOK_KEY_WORDS } from './webhook-form.ts';

export interface FileWebhook {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly events?: Maybe<readonly WebhookEvent[]>;
  readonly tenant?: Maybe<string>;
  readonly allow_private?: Maybe<boolean>;
}

export interface FileApprovals {
  readonly second_person?: Maybe<boolean>;
  readonly by_inference_keys?: Maybe<boolean>;
}

export interface FileReview {
  readonly model: string;
  readonly instructions?: Maybe<string>;
  readonly max_output_tokens?: Maybe<number>;
  readonly timeout_ms?: Maybe<number>;
}

export interface FileAgentRules {
  readonly permissions?: Maybe<readonly string[]>;
  readonly permissions_default?: Maybe<PermissionDefault>;
  readonly approvals?: Maybe<FileApprovals>;
  readonly review?: Maybe<FileReview>;
  readonly webhooks?: Maybe<readonly FileWebhook[]>;
}

/** A webhook of the configuration. Those made over the API lie in the store. */
export interface WebhookConfig {
  readonly id: string;
  readonly url: string;
  /** `whsec_` and the key in base64. A secret: for signing only (L9). */
  readonly secret: string;
  readonly events: readonly WebhookEvent[];
  /** Whose events: a tenant, or `*` for all. */
  readonly tenant: string;
  readonly allowPrivate: boolean;
}

export interface ApprovalRules {
  /** Whether another principal than the one who asked must decide. */
  readonly secondPerson: boolean;
  /** Whether a tenant's keys for inference may see and decide its approvals. */
  readonly byInferenceKeys: boolean;
}

export interface PermissionConfig {
  /** Absolute paths. */
  readonly folders: readonly string[];
  readonly fallback: PermissionDefault;
}

export interface AgentRules {
  readonly permissions: PermissionConfig;
  readonly approvals: ApprovalRules;
  /** Null: no model reviews tool calls. */
  readonly review: ReviewModel | null;
  readonly webhooks: readonly WebhookConfig[];
}

/** Tokens that a verdict and its reason may take, where nobody says. */
const REVIEW_TOKENS = 300;
const REVIEW_MS = 30_000;
const FOLDERS = 64;
const WEBHOOKS = 64;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const webhook: z.ZodType<FileWebhook> = z
  .strictObject({
    id: z.string().max(64).regex(NAME, 'must begin with a letter or digit').meta({ description: 'Names the webhook.' }),
    url: z.string().max(2_048).meta({ description: 'Where it listens, https.' }),
    secret: z
      .string()
      .refine(isWebhookKey, WEBHOOK_KEY_WORDS)
      .meta({ description: 'Signs deliveries as Standard Webhooks has it. Write ${NAME}.' }),
    events: z
      .array(z.enum(WEBHOOK_EVENTS))
      .min(1)
      .nullish()
      .meta({ description: 'The events that it is told. Default: all.' }),
    tenant: z
      .union([z.literal('*'), z.string().max(64).regex(NAME)])
      .nullish()
      .meta({ description: 'Whose events: a tenant, or * for all. Default: local.' }),
    allow_private: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether it may be plain http, and at an address that is not public. Default: false.' }),
  })
  .superRefine(({ url, allow_private: open }, ctx) => {
    const problem = webhookUrlProblem(url, open === true);
    if (problem !== null) ctx.addIssue({ code: 'custom', path: ['url'], message: problem });
  });

export const agentRulesShape: { readonly [name in keyof FileAgentRules]-?: z.ZodType<FileAgentRules[name]> } = {
  permissions: z
    .array(z.string().min(1).max(4_096).meta({ description: 'A folder, relative to this file, or `example`.' }))
    .max(FOLDERS)
    .nullish()
    .meta({ description: 'Folders of Cedar policies: who may call which tool (docs/permissions.md). Default: none.' }),
  permissions_default: z.enum(['by-tool', 'permit', 'ask', 'deny']).nullish().meta({
    description:
      'What becomes of a tool call that no policy speaks of. by-tool permits what clients run and what is idempotent, and asks for the rest. Default: by-tool.',
  }),
  approvals: z
    .strictObject({
      second_person: z
        .boolean()
        .nullish()
        .meta({ description: 'Whether another key than the one that asked must decide. Default: false.' }),
      by_inference_keys: z
        .boolean()
        .nullish()
        .meta({ description: "Whether a tenant's inference keys may decide its approvals. Default: false." }),
    })
    .nullish()
    .meta({ description: 'Who says yes to a tool call: docs/approvals.md.' }),
  review: z
    .strictObject({
      model: z.string().min(1).max(256).meta({ description: 'A model that a target serves.' }),
      instructions: z
        .string()
        .min(1)
        .max(16_384)
        .nullish()
        .meta({ description: 'What else the model is to look at. Default: nothing.' }),
      max_output_tokens: z
        .int()
        .min(16)
        .max(8_192)
        .nullish()
        .meta({ description: 'Of one verdict; reasoning models need more. Default: 300.' }),
      timeout_ms: z
        .int()
        .min(100)
        .max(110_000)
        .nullish()
        .meta({ description: 'One verdict, ms. What comes later is a no. Default: 30000.' }),
    })
    .nullish()
    .meta({
      description:
        'A model that decides tool calls of sessions under auto_review, where no rule does: docs/approvals.md. Default: none, and they are denied.',
    }),
  webhooks: z
    .array(webhook)
    .max(WEBHOOKS)
    .superRefine((all, ctx) => {
      for (const [i, { id }] of all.entries())
        if (all.findIndex(other => other.id === id) !== i)
          ctx.addIssue({ code: 'custom', path: [i, 'id'], message: `is that of another one too: ${id}` });
    })
    .nullish()
    .meta({ description: 'Who is told of approvals and sessions: docs/webhooks.md. Default: none.' }),
};

export function agentRulesOf(file: FileAgentRules, base: string): AgentRules {
  return {
    permissions: {
      folders: (file.permissions ?? []).map(name => permissionFolder(name, base)),
      fallback: file.permissions_default ?? 'by-tool',
    },
    approvals: {
      secondPerson: file.approvals?.second_person ?? false,
      byInferenceKeys: file.approvals?.by_inference_keys ?? false,
    },
    review: file.review == null ? null : reviewOf(file.review),
    webhooks: (file.webhooks ?? []).map(({ id, url, secret, events, tenant, allow_private: open }) => ({
      id,
      url,
      secret,
      events: events ?? WEBHOOK_EVENTS,
      tenant: tenant ?? 'local',
      allowPrivate: open ?? false,
    })),
  };
}

function reviewOf({ model, instructions, max_output_tokens, timeout_ms }: FileReview): ReviewModel {
  return {
    model,
    instructions: instructions ?? null,
    maxOutputTokens: max_output_tokens ?? REVIEW_TOKENS,
    timeoutMs: timeout_ms ?? REVIEW_MS,
  };
}

/** A model that no target serves: every call would be denied. */
export function reviewProblems(given: unknown, targets: unknown): readonly Problem[] {
  const model = fieldOf(given, 'model');
  if (typeof model !== 'string' || !Array.isArray(targets) || targets.length === 0) return [];
  if (targets.some(target => fieldOf(target, 'model') === model)) return [];
  return [{ level: 'error', path: ['review', 'model'], message: `is served by no target: ${model}` }];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as { readonly [field: string]: unknown })[name] : null;
}

/** Folders that are not there. */
export function permissionProblems(given: unknown, base: string): readonly Problem[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((name: unknown, i): readonly Problem[] => {
    if (typeof name !== 'string' || name === '') return [];
    const path: Path = ['permissions', i];
    try {
      permissionFolder(name, base);
      return [];
    } catch (error) {
      return [{ level: 'error', path, message: error instanceof Error ? error.message : 'cannot be found' }];
    }
  });
}
