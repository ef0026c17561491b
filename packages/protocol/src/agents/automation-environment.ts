/** The environment that an automation's new sessions get: what of it is kept to be shown. Contents, commands and variables are left out. */
import * as z from 'zod';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { boundedList } from '../parse.ts';

const ENTRIES = 256;
const PATH_CHARS = 4_096;
const path = z.string().min(1).max(PATH_CHARS);
const id = z.string().min(1).max(LIMITS.idChars);
const word = z.string().min(1).max(LIMITS.nameChars);
const words = boundedList(word, ENTRIES);
const data = z.string().max(LIMITS.textChars);

const file = z.discriminatedUnion('type', [
  z.object({ type: z.literal('file_id'), file_id: id, path }),
  z.object({ type: z.literal('inline'), data, path }),
]);
const archive = z.object({ type: z.literal('base64'), media_type: z.literal('application/zip'), data });
const inline = z.object({
  type: z.literal('inline'),
  name: word,
  description: z.string().max(LIMITS.textChars),
  source: archive,
});
const skill = z.discriminatedUnion('type', [
  z.object({ type: z.literal('skill_reference'), skill_id: id, version: word.nullish() }),
  inline,
]);

const hosted = z.object({
  type: z.literal('openai_hosted'),
  environment_id: id.optional(),
  environment_template_id: id.optional(),
  capability_directories: boundedList(path, ENTRIES).nullish(),
  container_size: z.enum(['small', 'medium', 'large']).optional(),
  desktop: z.object({ enabled: z.boolean() }).nullish(),
  env: z.record(z.string().max(LIMITS.nameChars), z.string().max(LIMITS.textChars)).nullish(),
  files: boundedList(file, ENTRIES).nullish(),
  network: z
    .object({
      access: z.enum(['enabled', 'disabled', 'restricted']),
      allowed_domains: words.nullish(),
      blocked_domains: words.nullish(),
    })
    .nullish(),
  packages: z.object({ npm: words.nullish(), python: words.nullish(), system: words.nullish() }).nullish(),
  plugins: boundedList(inline, ENTRIES).nullish(),
  setup_commands: boundedList(
    z.object({ command: z.string().max(LIMITS.textChars), cwd: path.nullish() }),
    ENTRIES,
  ).nullish(),
  skills: boundedList(skill, ENTRIES).nullish(),
});

export const automationEnvironment: z.ZodType<JsonObject> = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('none') }),
    hosted,
    z.object({
      type: z.literal('self_hosted'),
      environment_id: id.optional(),
      workspace_directory: path.optional(),
      capability_directories: boundedList(path, ENTRIES).nullish(),
    }),
  ])
  .transform((given): JsonObject => {
    switch (given.type) {
      case 'none':
        return given;
      case 'self_hosted':
        return {
          type: given.type,
          environment_id: given.environment_id ?? null,
          workspace_directory: given.workspace_directory ?? '/workspace',
          capability_directories: given.capability_directories ?? [],
        };
      case 'openai_hosted':
        return shownHosted(given);
    }
  });

function shownHosted(given: z.infer<typeof hosted>): JsonObject {
  const { network, packages, plugins, skills, files } = given;
  return {
    type: given.type,
    environment_id: given.environment_id ?? null,
    environment_template_id: given.environment_template_id ?? null,
    capability_directories: given.capability_directories ?? null,
    container_size: given.container_size ?? null,
    desktop: given.desktop ?? null,
    files: files?.map(shownFile) ?? null,
    network: network ? { access: network.access, allowed_domains: network.allowed_domains ?? [] } : null,
    packages: packages
      ? { npm: packages.npm ?? [], python: packages.python ?? [], system: packages.system ?? [] }
      : null,
    plugins: plugins?.map(shownInline) ?? null,
    skills:
      skills?.map(one =>
        one.type === 'inline'
          ? shownInline(one)
          : { type: one.type, skill_id: one.skill_id, version: one.version ?? null },
      ) ?? null,
  };
}

function shownInline({ type, name, description }: z.infer<typeof inline>): JsonObject {
  return { type, name, description };
}

function shownFile(given: z.infer<typeof file>): JsonObject {
  if (given.type === 'file_id') return { type: given.type, file_id: given.file_id, path: given.path };
  const bare = given.data.replace(/=+$/, '');
  return { type: given.type, path: given.path, size_bytes: Math.floor((bare.length * 3) / 4) };
}
