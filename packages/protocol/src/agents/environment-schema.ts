/** Environments, as requests give them. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { boundedList, fault, refused } from '../parse.ts';
import { ENVIRONMENT_LIMITS as MOST, base64Bytes, isFilePath, pathParts } from './environment-limits.ts';
import type {
  ArchiveGiven,
  EnvironmentBody,
  EnvironmentGiven,
  FileGiven,
  HostedGiven,
  NetworkRules,
  SetupCommand,
  TemplateBody,
} from './environment.ts';

const id = z.string().min(1).max(LIMITS.idChars);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const base64 = z
  .string()
  .max(MOST.inlineChars)
  .superRefine((text, ctx) => {
    if (text.length % 4 !== 0 || !BASE64.test(text)) fault(ctx, 'invalid_request', 'It must be standard base64.');
  });

const absolute = z
  .string()
  .max(MOST.pathChars)
  .superRefine((path, ctx) => {
    if (path !== '/' && pathParts(path) === null)
      fault(ctx, 'invalid_request', "A path must be absolute, without '.', '..' and backslashes.");
  });
/** Absolute and normal, of a file below the workspace. */
const filePath = z
  .string()
  .max(MOST.pathChars)
  .superRefine((path, ctx) => {
    if (!isFilePath(path))
      fault(ctx, 'invalid_request', "A file's path must lie below /workspace, and not in a reserved folder.");
  });

const file: z.ZodType<FileGiven> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('file_id'), file_id: id, path: filePath }),
  z.object({ type: z.literal('inline'), data: base64, path: filePath }),
]);
/** A body of `POST /v1/agents/environments/{id}/files`. Its path is looked at by whoever knows the kind of environment. */
export const environmentFileBody: z.ZodType<FileGiven> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('file_id'), file_id: id, path: absolute }),
  z.object({ type: z.literal('inline'), data: z.string().max(LIMITS.fileDataChars).regex(BASE64), path: absolute }),
]);

const files = boundedList(file, MOST.files).superRefine((list, ctx) => {
  const taken = new Set<string>();
  for (const { path } of list) {
    const above = path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
    if (taken.has(path) || above.some(one => taken.has(one)) || [...taken].some(one => one.startsWith(`${path}/`)))
      return fault(ctx, 'invalid_request', 'Two files cannot lie at the same path, nor one below the other.');
    taken.add(path);
  }
});

const CAPABILITY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const source = z.object({ type: z.literal('base64'), media_type: z.literal('application/zip'), data: base64 });
const archive = z.object({
  type: z.literal('inline'),
  name: z.string().regex(CAPABILITY),
  description: z.string().max(4_096),
  source,
});
const NO_SKILLS =
  'This server has no Skills API: give the skill inline, as a ZIP archive, or as files of the environment.';
const skill = z.discriminatedUnion('type', [
  archive,
  z.object({ type: z.literal('skill_reference'), skill_id: z.string(), version: z.string().nullish() }),
]);
type Archive = z.infer<typeof archive>;
const given = ({ name, description, source: from }: Archive): ArchiveGiven => ({ name, description, data: from.data });
const apart = (list: readonly ArchiveGiven[]): boolean => new Set(list.map(one => one.name)).size === list.length;
const TWICE = 'Two of them have the same name.';
const plugins = boundedList(archive, MOST.plugins).transform((list, ctx) => {
  const all = list.map(given);
  return apart(all) ? all : fault(ctx, 'invalid_request', TWICE);
});
const skills = boundedList(skill, MOST.skills).transform((list, ctx) => {
  const all = list.flatMap((one, index) => {
    if (one.type === 'inline') return [given(one)];
    return fault(ctx, 'unsupported_parameter', NO_SKILLS, [index]);
  });
  return apart(all) ? all : fault(ctx, 'invalid_request', TWICE);
});

const DOMAIN = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const domains = boundedList(z.string().max(253).regex(DOMAIN), MOST.domains);
const network = z
  .object({
    access: z.enum(['enabled', 'disabled', 'restricted']),
    allowed_domains: domains.nullish(),
    blocked_domains: domains.nullish(),
  })
  .transform((rules, ctx): NetworkRules => {
    const allowed = rules.allowed_domains ?? [];
    const blocked = rules.blocked_domains ?? [];
    if (rules.access !== 'restricted' && allowed.length + blocked.length > 0)
      return fault(ctx, 'invalid_request', "Domains go with 'access': 'restricted' only.");
    if (allowed.length > 0 && blocked.length > 0)
      return fault(ctx, 'mutually_exclusive_parameters', "Give 'allowed_domains' or 'blocked_domains', not both.");
    if (blocked.some(domain => domain.startsWith('*.')))
      return fault(ctx, 'invalid_request', "'blocked_domains' takes no wildcards.");
    return { access: rules.access, allowed_domains: allowed, blocked_domains: blocked };
  });

const NO_PACKAGES =
  'This server installs no packages: install them by setup_commands, or have the operator provide them.';
const names = z.array(z.string());
const packages = z
  .object({ npm: names.nullish(), python: names.nullish(), system: names.nullish() })
  .superRefine(({ npm, python, system }, ctx) => {
    if ([npm, python, system].some(list => (list ?? []).length > 0)) fault(ctx, 'unsupported_parameter', NO_PACKAGES);
  });
const desktop = z.object({ enabled: z.boolean() }).superRefine(({ enabled }, ctx) => {
  if (enabled) fault(ctx, 'unsupported_parameter', 'This server has no desktops.', ['enabled']);
});

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const env = z
  .record(
    z.string().max(MOST.envNameChars).regex(ENV_NAME),
    z
      .string()
      .max(MOST.envValueChars)
      .regex(/^[^\0]*$/),
  )
  .refine(pairs => Object.keys(pairs).length <= MOST.envVars, {
    message: `has too many variables: at most ${MOST.envVars}`,
  });
const setupCommand = z
  .object({ command: z.string().min(1).max(MOST.commandChars), cwd: absolute.nullish() })
  .transform(({ command, cwd }): SetupCommand => ({ command, cwd: cwd ?? '/workspace' }));

const directories = boundedList(absolute, MOST.capabilityDirectories);
const hostedFields = {
  capability_directories: directories.nullish(),
  desktop: desktop.nullish(),
  env: env.nullish(),
  files: files.nullish(),
  network: network.nullish(),
  packages: packages.nullish(),
  plugins: plugins.nullish(),
  setup_commands: boundedList(setupCommand, MOST.setupCommands).nullish(),
  skills: skills.nullish(),
};
const hostedShape = z.object(hostedFields);
type Context = Parameters<typeof fault>[0];

function hostedGiven(shape: z.infer<typeof hostedShape>, ctx: Context): HostedGiven {
  const { desktop: _desktop, packages: _packages, ...fields } = shape;
  const kept = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as HostedGiven;
  const { capability_directories: _directories, network: _network, ...inline } = kept;
  if (JSON.stringify(inline).length > MOST.inlineChars) {
    const rule = `All that is given inline comes to ${MOST.inlineChars} characters at most: upload larger files, and give their ids.`;
    return fault(ctx, 'invalid_request', rule);
  }
  return kept;
}

const hosted = z
  .object({
    ...hostedFields,
    type: z.literal('openai_hosted'),
    container_size: z.enum(['small', 'medium', 'large']).nullish(),
    environment_id: id.nullish(),
    environment_template_id: id.nullish(),
  })
  .transform((shape, ctx): EnvironmentGiven => {
    const { type: _type, container_size, environment_id: existing, environment_template_id: template, ...rest } = shape;
    if (existing === undefined || existing === null)
      return { type: 'openai_hosted', template: template ?? null, hosted: hostedGiven(rest, ctx) };
    const more = [template, container_size, ...Object.values(rest)].some(
      value => value !== undefined && value !== null,
    );
    if (more)
      return fault(ctx, 'mutually_exclusive_parameters', "'environment_id' goes without any other field of it.");
    return { type: 'prewarmed', environment: existing };
  });

/** The `environment` of a session or of an automation. */
export const environmentParam: z.ZodType<EnvironmentGiven> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('none') }),
  hosted,
  z
    .object({
      type: z.literal('self_hosted'),
      workspace_directory: absolute,
      capability_directories: directories.nullish(),
    })
    .transform(
      ({ workspace_directory, capability_directories }): EnvironmentGiven => ({
        type: 'self_hosted',
        workspace_directory,
        capability_directories: capability_directories ?? [],
      }),
    ),
]);

/** A body of `POST /v1/agents/environments`. */
export const environmentBody: z.ZodType<EnvironmentBody> = z
  .object({
    environment: z.object({
      ...hostedFields,
      type: z.literal('openai_hosted'),
      environment_template_id: id.nullish(),
      environment_id: refused('An environment is not made of another one.'),
    }),
    vault_ids: boundedList(id, MOST.vaults).nullish(),
  })
  .transform(({ environment, vault_ids }, ctx): EnvironmentBody => {
    const { type: _type, environment_template_id: template, environment_id: _id, ...rest } = environment;
    return {
      environment: { template: template ?? null, hosted: hostedGiven(rest, ctx) },
      vault_ids: vault_ids ?? [],
    };
  });

/** A body of `POST /v1/agents/environments/templates` and of `POST .../templates/{id}`. */
export const templateBody: z.ZodType<TemplateBody> = z
  .object({ ...hostedFields, name: z.string().max(MOST.templateNameChars).nullish() })
  .transform(
    ({ name, ...rest }, ctx): TemplateBody => ({
      hosted: hostedGiven(rest, ctx),
      ...(name !== undefined && { name }),
    }),
  );

/** Decoded bytes of a file that was given inline. */
export function inlineBytes({ data }: { readonly data: string }): number {
  return base64Bytes(data);
}
