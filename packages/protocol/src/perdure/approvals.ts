/** Approvals: tool calls that wait for a person. Times are seconds since 1970. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { pageLimit, type RawQuery } from '../lists.ts';
import { parseQuery, type Parsed } from '../parse.ts';
import { parseOwnBody } from './own-body.ts';

export const APPROVAL_STATUSES = ['waiting', 'granted', 'denied', 'expired', 'withdrawn'] as const;
/** `withdrawn`: its turn ended before anybody answered. */
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];
/** Why people are asked: a policy wants it, the tool itself asks, nobody knows whether the tool has run, or a command needs hosts that are held back. */
export const APPROVAL_REASONS = ['policy', 'tool_asks', 'outcome_unknown', 'network'] as const;
export type ApprovalWhy = (typeof APPROVAL_REASONS)[number];

/** What holds no content: listed, and shown to auditors. */
export type ApprovalResource = {
  readonly id: string;
  readonly object: 'perdure.approval';
  readonly status: ApprovalStatus;
  readonly why: ApprovalWhy;
  readonly session_id: string;
  /** The sub-agent of the session that asks; absent: the session's own agent does. */
  readonly subagent_id?: string;
  readonly agent_id: string | null;
  readonly agent_version: number | null;
  readonly call_id: string;
  readonly tool: string;
  /** Version of the policies that asked. */
  readonly policy: string;
  /** Of all that a grant binds: tenant, session, call, agent version, the tool's definition, the exact arguments. */
  readonly binding: string;
  /** The key that asked for the turn, or what stands for it. */
  readonly requested_by: string;
  readonly requested_at: number;
  readonly expires_at: number;
  /** `key:` and the key's id, or `reviewer`: a model under `auto_review`. */
  readonly decided_by: string | null;
  readonly decided_at: number | null;
  /** Of the call of the model that decided it; null where a person did, or no call could be made. */
  readonly placement: string | null;
};

/** With what only those see who may decide. */
export type ApprovalDetail = ApprovalResource & {
  /** The exact arguments; null where they were erased. */
  readonly arguments: unknown;
  /** What the tool asks, if it does. */
  readonly about: unknown;
  /** Why it was denied, or why a reviewer permitted it. */
  readonly reason: string | null;
};

export type GrantApproval = {
  /** As it was shown: a grant of anything else is refused. */
  readonly binding?: string;
  /** The answer, where the tool asks for one. */
  readonly value?: unknown;
};
export type DenyApproval = { readonly reason?: string };
export type ResolveApproval = {
  readonly outcome: 'run_again' | 'give_up' | 'completed';
  /** What the tool would have said, for `completed`. */
  readonly output?: string;
};

const text = z.string();
const orNull = text.nullable();
const shape = {
  id: text,
  object: z.literal('perdure.approval'),
  status: z.enum(APPROVAL_STATUSES),
  why: z.enum(APPROVAL_REASONS),
  session_id: text,
  subagent_id: text.exactOptional(),
  agent_id: orNull,
  agent_version: z.int().nullable(),
  call_id: text,
  tool: text,
  policy: text,
  binding: text,
  requested_by: text,
  requested_at: z.int(),
  expires_at: z.int(),
  decided_by: orNull,
  decided_at: z.int().nullable(),
  placement: orNull,
};
export const approvalSchema: z.ZodType<ApprovalResource> = z.object(shape);
export const approvalDetailSchema: z.ZodType<ApprovalDetail> = z.object({
  ...shape,
  arguments: z.unknown(),
  about: z.unknown(),
  reason: orNull,
});

export type ApprovalPage = {
  readonly object: 'list';
  readonly data: readonly ApprovalResource[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
};
export const approvalPageSchema: z.ZodType<ApprovalPage> = z.object({
  object: z.literal('list'),
  data: z.array(approvalSchema),
  first_id: orNull,
  last_id: orNull,
  has_more: z.boolean(),
});

export const grantApprovalBody: z.ZodType<GrantApproval> = z.strictObject({
  binding: text
    .max(LIMITS.nameChars)
    .meta({ description: 'As it was shown: a grant of anything else is refused.' })
    .exactOptional(),
  value: z.unknown().meta({ description: 'The answer, where the tool asks for one.' }).exactOptional(),
});
export const denyApprovalBody: z.ZodType<DenyApproval> = z.strictObject({
  reason: text.max(LIMITS.reasonChars).meta({ description: 'The model is told it.' }).exactOptional(),
});
export const resolveApprovalBody: z.ZodType<ResolveApproval> = z.strictObject({
  outcome: z.enum(['run_again', 'give_up', 'completed']).meta({
    description: 'Run the tool again, tell the model that nobody knows, or say what it did.',
  }),
  output: text
    .max(LIMITS.textChars)
    .meta({ description: 'What the tool would have said, for completed.' })
    .exactOptional(),
});

export function parseGrantApproval(body: unknown): Parsed<GrantApproval> {
  return parseOwnBody(grantApprovalBody, body);
}
export function parseDenyApproval(body: unknown): Parsed<DenyApproval> {
  return parseOwnBody(denyApprovalBody, body);
}
export function parseResolveApproval(body: unknown): Parsed<ResolveApproval> {
  return parseOwnBody(resolveApprovalBody, body);
}

export type ApprovalQuery = {
  /** 1 to 100; default 20. */
  readonly limit: number;
  /** By when they were asked for. Default `desc`. */
  readonly order: 'asc' | 'desc';
  readonly after?: string;
  readonly status?: ApprovalStatus;
  readonly session_id?: string;
  readonly agent_id?: string;
  readonly why?: ApprovalWhy;
  /** Another tenant's, for keys that see the evidence of all. */
  readonly tenant?: string;
};

const id = text.min(1).max(LIMITS.idChars);
const approvalQuery: z.ZodType<ApprovalQuery> = z.object({
  limit: pageLimit(LIMITS.listLimit).default(LIMITS.listDefault),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: id.exactOptional(),
  status: z.enum(APPROVAL_STATUSES).exactOptional(),
  session_id: id.exactOptional(),
  agent_id: id.exactOptional(),
  why: z.enum(APPROVAL_REASONS).exactOptional(),
  tenant: text.min(1).max(LIMITS.nameChars).exactOptional(),
});

/** A name given twice is an error. Unknown names are ignored. */
export function parseApprovalQuery(query: RawQuery): Parsed<ApprovalQuery> {
  return parseQuery(
    approvalQuery,
    Object.fromEntries(
      Object.entries(query).flatMap(([name, values = []]) =>
        values.length === 0 ? [] : [[name, values.length === 1 ? values[0] : values] as const],
      ),
    ),
  );
}
