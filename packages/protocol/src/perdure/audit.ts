/** The audit: every change of what the control home keeps, with who made it and the leaf that it is in the ledger. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { pageLimit, type RawQuery } from '../lists.ts';
import { moment } from '../moment.ts';
import { parseQuery, type Parsed } from '../parse.ts';

export const AUDIT_LIMIT = 1000;
export const AUDIT_DEFAULT = 100;

export type AuditResource = {
  readonly object: 'perdure.audit_entry';
  /** Grows in the order of the commits. */
  readonly position: number;
  /** ms since 1970. */
  readonly at: number;
  readonly actor: string;
  /** The name of the key that `actor` is; null for what is no key, and for a key that the reader does not see. */
  readonly actor_name: string | null;
  readonly action: string;
  readonly subject: string;
  readonly tenant: string | null;
  /** JSON text, as digested. */
  readonly body: string;
  /** SHA-256 of `JSON.stringify([at, actor, action, subject, tenant, body])`, hexadecimal. */
  readonly digest: string;
  /** The number of its leaf in the ledger of the control home; null while it is not sealed. */
  readonly leaf: number | null;
};

/** Oldest first. A page may be short, or empty, and yet not be the last: a request looks at so many entries at most. */
export type AuditPage = {
  readonly object: 'list';
  readonly data: readonly AuditResource[];
  readonly has_more: boolean;
  /** The `after` of the next page; null if this is the last one. */
  readonly next: number | null;
};

export type AuditFilters = {
  /** What an action says before the dot, as `key`, or all of it, as `key.created`. */
  readonly kind?: string;
  /** The id of a key, with or without `key:` before it; `local`, `config`, `engine`. */
  readonly actor?: string;
  /** The id of what was changed. */
  readonly subject?: string;
  /** Then or later: a day or a moment, UTC. */
  readonly from?: string;
  /** Before. */
  readonly to?: string;
};

export type AuditQuery = AuditFilters & {
  readonly limit: number;
  /** A position: the page holds entries behind it. 0: from the beginning. */
  readonly after: number;
};

const text = z.string();
const orNull = text.nullable();
const count = z.int().min(0);

export const auditEntrySchema: z.ZodType<AuditResource> = z.object({
  object: z.literal('perdure.audit_entry'),
  position: z.int(),
  at: z.int(),
  actor: text,
  actor_name: orNull,
  action: text,
  subject: text,
  tenant: orNull,
  body: text,
  digest: text,
  leaf: count.nullable(),
});
export const auditPageSchema: z.ZodType<AuditPage> = z.object({
  object: z.literal('list'),
  data: z.array(auditEntrySchema),
  has_more: z.boolean(),
  next: count.nullable(),
});

const id = text.min(1).max(LIMITS.idChars).exactOptional();
const auditQuery: z.ZodType<AuditQuery> = z.object({
  kind: text
    .max(64)
    .regex(/^[a-z0-9_]+(\.[a-z0-9_]+)?$/, 'must be a kind as key, or an action as key.created')
    .exactOptional(),
  actor: id,
  subject: id,
  from: moment.exactOptional(),
  to: moment.exactOptional(),
  limit: pageLimit(AUDIT_LIMIT).default(AUDIT_DEFAULT),
  after: text
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .default(0),
});

/** A name given twice is an error. */
export function parseAuditQuery(query: RawQuery): Parsed<AuditQuery> {
  const single = Object.entries(query).map(([name, values]) => [name, values?.length === 1 ? values[0] : values]);
  return parseQuery(auditQuery, Object.fromEntries(single));
}
