/** The operations that Bedrock documents, under its prefix: the same bodies and answers; requests may be signed. */
import type { ErrorCode } from '../errors.ts';
import type { Route } from './route.ts';

const PREFIX = '/openai';
const OPERATIONS: ReadonlySet<string> = new Set([
  'post /v1/agents/sessions',
  'get /v1/agents/sessions',
  'get /v1/agents/sessions/{session_id}',
  'delete /v1/agents/sessions/{session_id}',
  'post /v1/agents/sessions/{session_id}/events',
  'get /v1/agents/sessions/{session_id}/events',
  'get /v1/agents/sessions/{session_id}/items',
]);
const SIGNED: readonly ErrorCode[] = ['invalid_signature', 'signature_expired', 'signature_not_allowed'];

/** Those of `routes` that are served under the prefix too. */
export function bedrockRoutes(routes: readonly Route[]): readonly Route[] {
  return routes
    .filter(({ method, path }) => OPERATIONS.has(`${method} ${path}`))
    .map(route => ({
      ...route,
      path: PREFIX + route.path,
      operationId: `bedrock${route.operationId.charAt(0).toUpperCase()}${route.operationId.slice(1)}`,
      summary: `${route.summary} As Bedrock serves it: signed by Signature Version 4, or by bearer.`,
      errors: [...route.errors, ...SIGNED],
    }));
}
