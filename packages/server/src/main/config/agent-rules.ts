/** `permissions`, `approvals` and `webhooks` of perdure.yaml: who may call which tool, who says yes to it, and who is told. */
import * as z from 'zod';
import { WEBHOOK_EVENTS, type WebhookEvent } from '@perdure/protocol';
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

export interface FileAgentRules {
  readonly permissions?: Maybe<readonly string[]>;
  readonly permissions_default?: Maybe<PermissionDefault>;
  readonly approvals?: Maybe<FileApprovals>;
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
  readonly webhooks: readonly WebhookConfig[];
}

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
