/** The form of a route in the table, and the errors that many routes share. */
import type { ErrorCode } from '../errors.ts';
import type { PlacementFilters } from '../perdure/placements.ts';
import type { SchemaName } from './schemas.ts';

export type Method = 'get' | 'post' | 'delete';

export type Route = {
  readonly method: Method;
  /** With `{name}` for each parameter. */
  readonly path: string;
  readonly operationId: string;
  readonly tag:
    | 'responses'
    | 'conversations'
    | 'chat'
    | 'models'
    | 'files'
    | 'agents'
    | 'vaults'
    | 'automations'
    | 'sessions'
    | 'perdure'
    | 'ledger'
    | 'service';
  readonly summary: string;
  readonly body?: SchemaName | 'text';
  /** The body is a form with a file in it, as the schema tells. */
  readonly form?: true;
  /** Whether the body may be left out. */
  readonly bodyOptional?: true;
  readonly answer: SchemaName | 'openapi' | 'text' | 'bytes';
  /** With `stream: true`, the answer as server-sent events instead. */
  readonly stream?: string;
  readonly query?: readonly QueryName[];
  /** What it can fail with, beyond what every route can. */
  readonly errors: readonly ErrorCode[];
  /** No key is asked for. */
  readonly open?: true;
  /** Takes an `Idempotency-Key`. */
  readonly idempotent?: true;
  /** Names its placement in a `perdure-placement` header. */
  readonly placed?: true;
  /** Names the response that it stored in a `perdure-response` header. */
  readonly names?: true;
  /** Names the kinds of tools that it skipped in a `perdure-skipped-tools` header. */
  readonly skips?: true;
};

export type QueryName =
  | 'limit'
  | 'order'
  | 'after'
  | 'before'
  | 'include[]'
  | keyof PlacementFilters
  | 'stream'
  | 'from'
  | 'to'
  | 'tenant'
  | 'group_by'
  | 'starting_after'
  | 'cascade'
  | 'approval.status'
  | 'approval.why'
  | 'audit.kind'
  | 'audit.actor'
  | 'audit.subject'
  | 'audit.limit'
  | 'audit.after'
  | 'session_id'
  | 'files.limit'
  | 'files.purpose'
  | 'metadata[key]'
  | 'status[]'
  | 'environments.type'
  | 'environments.path'
  | 'environments.page'
  | 'environment_id'
  | 'agent_id';

/** As it is on the wire: what stands before a dot tells same names of several routes apart. */
export function queryNameOf(name: QueryName): string {
  return name.split('.').at(-1) ?? name;
}

/** The query parameters of a route, as they are on the wire. */
export function queryNamesOf({ query = [] }: Pick<Route, 'query'>): readonly string[] {
  return query.map(queryNameOf);
}

/** A route of ours refuses what it does not know; one of OpenAI's ignores it, as clients send more than a server has. */
export function isOurs({ path }: Pick<Route, 'path'>): boolean {
  return path.startsWith('/perdure/v1/');
}

export const READ: readonly ErrorCode[] = ['insufficient_scope', 'store_unavailable', 'deadline_exceeded'];
export const BODY: readonly ErrorCode[] = [
  'invalid_json',
  'invalid_request',
  'body_too_large',
  'request_too_slow',
  'unsupported_media_type',
];
export const WRITE: readonly ErrorCode[] = [...READ, ...BODY, 'store_full'];
