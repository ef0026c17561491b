/** The OpenAPI 3.1 document, generated from the schemas that parse requests, so that it cannot drift from them. */
import { VAULT_STATUSES } from '../agents/vault-schema.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { FILE_LIST_LIMIT, FILE_PAGE, FILE_PURPOSES } from '../files/file.ts';
import type { Json, JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { APPROVAL_REASONS, APPROVAL_STATUSES } from '../perdure/approvals.ts';
import { AUDIT_DEFAULT, AUDIT_LIMIT } from '../perdure/audit.ts';
import { PLACEMENT_ACTIONS, PLACEMENT_OUTCOMES, PLACEMENT_PURPOSES } from '../perdure/placements.ts';
import { EXAMPLES } from './examples.ts';
import { isOurs, type QueryName, queryNameOf, type Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { componentSchemas, type SchemaName } from './schemas.ts';

/** What every route that asks for a key can fail with. */
const ALWAYS: readonly ErrorCode[] = [
  'missing_api_key',
  'invalid_api_key',
  'host_not_allowed',
  'origin_not_allowed',
  'server_draining',
  'internal_error',
];

const ref = (name: SchemaName): JsonObject => ({ $ref: `#/components/schemas/${name}` });

/**
 * @param about `version` of the server; `serverUrl` where it is reached, left out if that is not known
 */
export function openapiDocument(about: { readonly version: string; readonly serverUrl?: string }): JsonObject {
  const paths: { [path: string]: { [method: string]: Json } } = {};
  for (const route of ROUTES) (paths[route.path] ??= {})[route.method] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Perdure',
      version: about.version,
      summary: 'A stateful runtime for AI agents on any cloud, under contract',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    ...(about.serverUrl !== undefined && { servers: [{ url: about.serverUrl }] }),
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: componentSchemas(),
    },
  };
}

function operation(route: Route): JsonObject {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
  const parameters = [...names.map(pathParameter), ...(route.query ?? []).map(queryParameter)];
  if (route.idempotent === true) parameters.push(IDEMPOTENCY_KEY);
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.open === true && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body !== undefined && {
      requestBody: {
        required: route.bodyOptional !== true,
        content:
          route.body === 'text'
            ? { 'text/plain': { schema: { type: 'string' } } }
            : {
                [route.form === true ? 'multipart/form-data' : 'application/json']: {
                  schema: ref(route.body),
                  ...exampleOf(route.body),
                },
              },
      },
    }),
    responses: { '200': success(route), ...failures(route) },
  };
}

function success(route: Route): JsonObject {
  if (route.answer === 'text')
    return { description: route.summary, content: { 'text/plain': { schema: { type: 'string' } } } };
  if (route.answer === 'bytes') return { description: route.summary, content: { 'application/octet-stream': {} } };
  const json: JsonObject =
    route.answer === 'openapi'
      ? { schema: { type: 'object' } }
      : { schema: ref(route.answer), ...exampleOf(route.answer) };
  return {
    description: route.summary,
    ...(route.placed === true && {
      headers: {
        'perdure-placement': {
          description:
            'The id of the placement: see `/perdure/v1/placements/{placement_id}`. Of several choices the id of each, with commas between.',
          schema: { type: 'string' },
        },
        ...(route.names === true && {
          'perdure-response': {
            description: 'The id of the response, if it is stored; also with an error.',
            schema: { type: 'string' },
          },
        }),
        ...(route.skips === true && {
          'perdure-skipped-tools': {
            description:
              'Kinds of tools of the request that this server does not have, if any: the answer was made without them.',
            schema: { type: 'string' },
          },
        }),
      },
    }),
    content: {
      'application/json': json,
      ...(route.stream !== undefined && {
        'text/event-stream': { schema: { type: 'string', description: route.stream } },
      }),
    },
  };
}

/** One response per status, whose text lists the codes with it. */
function failures(route: Route): { [status: string]: JsonObject } {
  const byStatus = new Map<number, Set<ErrorCode>>();
  const codes: readonly ErrorCode[] =
    route.open === true ? [...route.errors, 'internal_error'] : [...ALWAYS, ...route.errors];
  const refused: readonly ErrorCode[] = isOurs(route) ? ['unsupported_parameter'] : [];
  for (const code of [...codes, ...refused]) {
    const { status } = ERRORS[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set<ErrorCode>()).add(code));
  }
  const made: { [status: string]: JsonObject } = {};
  for (const [status, same] of [...byStatus].sort(([a], [b]) => a - b)) {
    made[String(status)] = {
      description: [...same].map(code => `\`${code}\`: ${ERRORS[code].summary}`).join('\n\n'),
      content: { 'application/json': { schema: ref('Error') } },
    };
  }
  if (route.path === '/readyz') {
    made['503'] = { description: 'Not ready.', content: { 'application/json': { schema: ref('Ready') } } };
  }
  return made;
}

const exampleOf = (name: SchemaName): { example?: Json } => {
  const example = EXAMPLES[name];
  return example === undefined ? {} : { example };
};

const IDEMPOTENCY_KEY: JsonObject = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same body attaches to the first request, or repeats its answer, for 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: LIMITS.idempotencyKeyChars },
};

const pathParameter = (name: string): JsonObject => ({ name, in: 'path', required: true, schema: { type: 'string' } });

const QUERY: { readonly [name in QueryName]: JsonObject } = {
  limit: { type: 'integer', minimum: 1, maximum: LIMITS.listLimit, default: LIMITS.listDefault },
  order: { type: 'string', enum: ['asc', 'desc'], default: 'desc' },
  after: { type: 'string' },
  before: { type: 'string' },
  'include[]': { type: 'array', items: { type: 'string' } },
  session: { type: 'string' },
  response: { type: 'string' },
  outcome: { type: 'string', enum: [...PLACEMENT_OUTCOMES, 'flagged'] },
  from: {
    type: 'string',
    description: 'Then or later: a day or a moment, in UTC. Of usage by default the first of this month.',
  },
  to: { type: 'string', description: 'Before: a day or a moment, in UTC. Default: now.' },
  tenant: {
    type: 'string',
    description:
      'Default: the tenant of the key. Others, and of usage * for all, want the scope `operator`, or an auditor’s key of every tenant, which must name one here but of usage.',
  },
  product: { type: 'string' },
  channel: { type: 'string' },
  target: { type: 'string', description: 'The place that was chosen.' },
  cloud: { type: 'string', description: 'The cloud of the place that was chosen.' },
  clause: {
    type: 'string',
    description: 'A clause that excluded a place or was flagged, with or without its contract.',
  },
  action: { type: 'string', enum: PLACEMENT_ACTIONS },
  purpose: { type: 'string', enum: PLACEMENT_PURPOSES },
  stream: { type: 'boolean', default: false },
  starting_after: { type: 'integer', minimum: 0 },
  cascade: { type: 'boolean', default: false },
  'approval.status': { type: 'string', enum: [...APPROVAL_STATUSES] },
  'approval.why': { type: 'string', enum: [...APPROVAL_REASONS] },
  'audit.kind': {
    type: 'string',
    description: 'What an action says before the dot, as `key`, or all of it, as `key.created`.',
  },
  'audit.actor': { type: 'string', description: 'The id of a key, or `local`, `config`, `engine`.' },
  'audit.subject': { type: 'string', description: 'The id of what was changed.' },
  'audit.limit': { type: 'integer', minimum: 1, maximum: AUDIT_LIMIT, default: AUDIT_DEFAULT },
  'audit.after': { type: 'integer', minimum: 0, default: 0, description: 'The `next` of the page before.' },
  agent_id: { type: 'string', description: 'Only those that this agent runs.' },
  session_id: { type: 'string' },
  'files.limit': {
    type: 'integer',
    minimum: 1,
    maximum: FILE_LIST_LIMIT,
    description: `A page holds at most ${FILE_PAGE}.`,
  },
  'files.purpose': { type: 'string', enum: FILE_PURPOSES },
  'metadata[key]': { type: 'string', description: 'Only those whose metadata has this value under the key.' },
  'status[]': { type: 'array', items: { type: 'string', enum: VAULT_STATUSES } },
  'environments.type': { type: 'string', enum: ['openai_hosted', 'self_hosted'], default: 'openai_hosted' },
  'environments.path': { type: 'string', description: 'An absolute directory of the workspace.' },
  'environments.page': { type: 'string', description: 'The `next` of the page before.' },
  environment_id: { type: 'string' },
  group_by: {
    type: 'string',
    description: 'Dimensions with commas between them, as product,cloud. Default: none, one sum.',
  },
};
const queryParameter = (name: QueryName): JsonObject => ({
  name: queryNameOf(name),
  in: 'query',
  required: false,
  schema: QUERY[name],
});
