/** `prompts` of the configuration: the form in the file, and what it means. */
import * as z from 'zod';
import {
  type PromptTemplate,
  readTemplateText,
  type TemplateRole,
  type TemplateText,
} from '../../engine/prompts/template.ts';
import type { FileConfig, Maybe } from './file-form.ts';
import { CONFIG_BOUNDS } from './limits.ts';

export interface FilePrompt {
  readonly id: string;
  readonly version?: Maybe<string | number>;
  readonly tenant?: Maybe<string>;
  readonly default?: Maybe<boolean>;
  readonly instructions?: Maybe<string>;
  readonly input?: Maybe<readonly { readonly role: TemplateRole; readonly content: string }[]>;
  readonly model?: Maybe<string>;
}

const FIRST_VERSION = '1';

const word = z
  .string()
  .max(CONFIG_BOUNDS.nameChars)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'must begin with a letter or digit and hold letters, digits, ".", "_" and "-" only',
  );

const templateText = z
  .string()
  .max(CONFIG_BOUNDS.valueChars)
  .superRefine((written, ctx) => {
    const read = readTemplateText(written);
    if (!read.ok) ctx.addIssue({ code: 'custom', message: read.problem });
  });

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']).meta({ description: 'Who speaks.' }),
  content: templateText.meta({ description: 'What is said; {{name}} is the place of a variable.' }),
});

const prompt: z.ZodType<FilePrompt> = z
  .strictObject({
    id: word.meta({ description: 'As requests name it.' }),
    version: z
      .union([word, z.int().min(0)])
      .nullish()
      .meta({ description: `Of several prompts of one id. Default: ${FIRST_VERSION}.` }),
    tenant: z
      .string()
      .max(CONFIG_BOUNDS.nameChars)
      .nullish()
      .meta({ description: 'Of this tenant only; it hides one of all tenants with the same id. Default: of all.' }),
    default: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether it is used where a request names no version. Default: the last one listed is.' }),
    instructions: templateText
      .nullish()
      .meta({ description: 'Used where a request gives none; {{name}} is the place of a variable.' }),
    input: z
      .array(message)
      .max(CONFIG_BOUNDS.promptMessages)
      .nullish()
      .meta({ description: 'Messages that come before the input of the request.' }),
    model: z
      .string()
      .min(1)
      .max(CONFIG_BOUNDS.modelChars)
      .nullish()
      .meta({ description: 'Used where a request names none. Default: the request must.' }),
  })
  .superRefine(({ instructions, input }, ctx) => {
    if (!instructions && (input ?? []).length === 0)
      ctx.addIssue({ code: 'custom', message: 'is empty: give instructions, input or both' });
  });

export const prompts: z.ZodType<readonly FilePrompt[]> = z
  .array(prompt)
  .max(CONFIG_BOUNDS.prompts)
  .superRefine((all, ctx) => {
    const versions = new Map<string, Set<string>>();
    const preferred = new Set<string>();
    for (const [i, one] of all.entries()) {
      const of = JSON.stringify([one.tenant ?? null, one.id]);
      const seen = versions.get(of) ?? new Set();
      versions.set(of, seen);
      const version = versionOf(one);
      const problem = (path: readonly string[], text: string): void =>
        ctx.addIssue({ code: 'custom', path: [i, ...path], message: text });
      if (seen.has(version)) problem(['id'], `${one.id} is given twice with the version ${version}`);
      seen.add(version);
      if (seen.size === CONFIG_BOUNDS.promptVersions + 1)
        problem(['id'], `${one.id} has too many versions: at most ${CONFIG_BOUNDS.promptVersions}`);
      if (one.default === true && preferred.has(of)) problem(['default'], `${one.id} has another default version`);
      if (one.default === true) preferred.add(of);
    }
  })
  .meta({ description: 'Templates that requests name in prompt: docs/prompts.md. Default: none.' });

function versionOf({ version }: FilePrompt): string {
  return String(version ?? FIRST_VERSION);
}

export function promptsOf({ prompts: given }: Pick<FileConfig, 'prompts'>): readonly PromptTemplate[] {
  return (given ?? []).map(one => ({
    id: one.id,
    version: versionOf(one),
    tenant: one.tenant ?? null,
    preferred: one.default ?? false,
    model: one.model ?? null,
    instructions: one.instructions ? textOf(one.instructions) : null,
    messages: (one.input ?? []).map(({ role, content }) => ({ role, content: textOf(content) })),
  }));
}

function textOf(written: string): TemplateText {
  const read = readTemplateText(written);
  // The schema has looked at it.
  return read.ok ? read.text : [written];
}
