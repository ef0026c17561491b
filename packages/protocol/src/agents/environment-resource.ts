/** Schemas of what is answered about environments, templates, files and artifacts. */
import * as z from 'zod';
import { listPageSchema } from '../lists.ts';
import { workerToldSchema } from './worker-schema.ts';
import {
  ENVIRONMENT_STATUSES,
  type EnvironmentFile,
  type EnvironmentFilePage,
  type EnvironmentInfo,
  type EnvironmentTemplate,
  type SessionArtifact,
} from './environment.ts';

const size = z.int().min(0);
const capability = z.strictObject({ description: z.string(), name: z.string(), type: z.literal('inline') });
const capabilities = z.array(capability);
const network = z.strictObject({
  access: z.enum(['enabled', 'disabled', 'restricted']),
  allowed_domains: z.array(z.string()),
});
const packages = z.strictObject({
  npm: z.array(z.string()),
  python: z.array(z.string()),
  system: z.array(z.string()),
});

export const environmentInfoSchema: z.ZodType<EnvironmentInfo> = z.strictObject({
  id: z.string(),
  files: z.array(
    z.discriminatedUnion('type', [
      z.strictObject({
        id: z.string(),
        file_id: z.string(),
        path: z.string(),
        size_bytes: size,
        type: z.literal('file_id'),
      }),
      z.strictObject({ id: z.string(), path: z.string(), size_bytes: size, type: z.literal('inline') }),
    ]),
  ),
  object: z.literal('agent.environment'),
  plugins: capabilities,
  skills: capabilities,
  status: z.enum(ENVIRONMENT_STATUSES),
  type: z.enum(['openai_hosted', 'self_hosted']),
});

const environmentTemplateSchema: z.ZodType<EnvironmentTemplate> = z.strictObject({
  id: z.string(),
  capability_directories: z.array(z.string()),
  created_at: z.int(),
  desktop: z.strictObject({ enabled: z.literal(false) }),
  files: z.array(
    z.discriminatedUnion('type', [
      z.strictObject({ file_id: z.string(), path: z.string(), type: z.literal('file_id') }),
      z.strictObject({ path: z.string(), size_bytes: size, type: z.literal('inline') }),
    ]),
  ),
  name: z.string().nullable(),
  network,
  object: z.literal('agent.environment.template'),
  packages,
  plugins: capabilities,
  skills: capabilities,
  updated_at: z.int(),
});

const environmentFileSchema: z.ZodType<EnvironmentFile> = z.strictObject({
  environment_id: z.string(),
  object: z.literal('agent.environment.file'),
  path: z.string(),
  size_bytes: size,
});

const sessionArtifactSchema: z.ZodType<SessionArtifact> = z.strictObject({
  id: z.string(),
  created_at: z.int(),
  environment_id: z.string(),
  object: z.literal('agent.session.artifact'),
  path: z.string(),
  session_id: z.string(),
  size_bytes: size,
  turn_id: z.string(),
});

const deleted = <Kind extends string>(kind: Kind) =>
  z.strictObject({ id: z.string(), deleted: z.literal(true), object: z.literal(kind) });

export type WorkerToken = {
  readonly id: string;
  readonly object: 'perdure.worker_token';
  readonly environment_id: string;
  readonly created_at: number;
  /** Shown once, when it is made. */
  readonly token?: string;
};
export const workerTokenSchema: z.ZodType<WorkerToken> = z.strictObject({
  id: z.string(),
  object: z.literal('perdure.worker_token'),
  environment_id: z.string(),
  created_at: z.int(),
  token: z.string().exactOptional(),
});

export const environmentFilePageSchema: z.ZodType<EnvironmentFilePage> = z.strictObject({
  object: z.literal('list'),
  data: z.array(environmentFileSchema),
  has_more: z.boolean(),
  next: z.string().nullable(),
});

/** By the names under which the OpenAPI document has them. */
export const ENVIRONMENT_ANSWERS: {
  readonly [name in EnvironmentAnswer]: z.ZodType;
} = {
  Environment: environmentInfoSchema,
  EnvironmentList: listPageSchema(environmentInfoSchema),
  EnvironmentDeleted: deleted('agent.environment.deleted'),
  EnvironmentTemplate: environmentTemplateSchema,
  EnvironmentTemplateList: listPageSchema(environmentTemplateSchema),
  EnvironmentTemplateDeleted: deleted('agent.environment.template.deleted'),
  EnvironmentFile: environmentFileSchema,
  EnvironmentFileList: environmentFilePageSchema,
  SessionArtifact: sessionArtifactSchema,
  SessionArtifactList: listPageSchema(sessionArtifactSchema),
  SessionArtifactDeleted: deleted('agent.session.artifact.deleted'),
  WorkerToken: workerTokenSchema,
  WorkerTokenList: listPageSchema(workerTokenSchema),
  WorkerTokenDeleted: deleted('perdure.worker_token.deleted'),
};
export type EnvironmentAnswer =
  | 'Environment'
  | 'EnvironmentList'
  | 'EnvironmentDeleted'
  | 'EnvironmentTemplate'
  | 'EnvironmentTemplateList'
  | 'EnvironmentTemplateDeleted'
  | 'EnvironmentFile'
  | 'EnvironmentFileList'
  | 'SessionArtifact'
  | 'SessionArtifactList'
  | 'SessionArtifactDeleted'
  | 'WorkerToken'
  | 'WorkerTokenList'
  | 'WorkerTokenDeleted';

/** By their `object`. */
export const ENVIRONMENT_OBJECTS: { readonly [object: string]: z.ZodType } = {
  'agent.environment': environmentInfoSchema,
  'agent.environment.deleted': ENVIRONMENT_ANSWERS.EnvironmentDeleted,
  'agent.environment.template': environmentTemplateSchema,
  'agent.environment.template.deleted': ENVIRONMENT_ANSWERS.EnvironmentTemplateDeleted,
  'agent.environment.file': environmentFileSchema,
  'agent.session.artifact': sessionArtifactSchema,
  'agent.session.artifact.deleted': ENVIRONMENT_ANSWERS.SessionArtifactDeleted,
  'perdure.worker_token': workerTokenSchema,
  'perdure.worker_token.deleted': ENVIRONMENT_ANSWERS.WorkerTokenDeleted,
  'perdure.worker': workerToldSchema,
};
