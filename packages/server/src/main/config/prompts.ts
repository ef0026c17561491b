/** `prompts` of perdure.yaml: templates that requests name by id. */
import type { core } from 'zod';
import * as z from 'zod';
import { type Pieces, piecesOf, type PromptTemplate } from '../../http/prompts/template.ts';
import type { Maybe } from './file-form.ts';

export interface FilePrompt {
  readonly id: string;
  readonly version?: Maybe<string>;
  readonly tenant?: Maybe<string>;
  readonly default?: Maybe<boolean>;
  readonly model?: Maybe<string>;
  readonly instructions?: Maybe<string>;
  readonly input?: Maybe<readonly { readonly role: TemplateRole; readonly content: string }[]>;
}

type TemplateRole = PromptTemplate['messages'][number]['role'];

/** Templates; messages of one; characters of a text; variables of one, which a request must be able to give. */
export const PROMPT_BOUNDS: {
  readonly prompts: number;
  readonly messages: number;
  readonly chars: number;
  readonly variables: number;
} = { prompts: 1_000, messages: 64, chars: 64 * 1024, variables: 64 };

/** Of a template that names none. */
const FIRST_VERSION = '1';

const word = (what: string): z.ZodString =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'must be letters, digits, _, - and ., and begin with a letter or a digit')
    .meta({ description: what });
const text = (what: string): z.ZodString => z.string().min(1).max(PROMPT_BOUNDS.chars).meta({ description: what });

const prompt: z.ZodType<FilePrompt> = z
  .strictObject({
    id: word('What requests name it by.'),
    version: word('Which version this is; write it in quotes. Default: "1".').nullish(),
    tenant: z.string().min(1).max(128).nullish().meta({ description: 'The tenant that has it. Default: all.' }),
    default: z.boolean().nullish().meta({
      description: 'Whether it is used where a request names no version. Default: the last one listed is.',
    }),
    model: z
      .string()
      .min(1)
      .max(256)
      .nullish()
      .meta({ description: 'For requests that name no model. Default: none.' }),
    instructions: text(
      'Used where a request has none of its own. {{name}} stands for a variable. Default: none.',
    ).nullish(),
    input: z
      .array(
        z.strictObject({
          role: z.enum(['user', 'assistant', 'developer', 'system']).meta({ description: 'Who says it.' }),
          content: text(
            'What is said; {{name}} stands for a variable, in messages of the user for an image or a file too.',
          ),
        }),
      )
      .max(PROMPT_BOUNDS.messages)
      .nullish()
      .meta({ description: 'Messages before those of the request. Default: none.' }),
  })
  .superRefine(({ instructions, input }, ctx) => {
    const say = (path: (string | number)[], message: string): void => ctx.addIssue({ code: 'custom', path, message });
    const messages = input ?? [];
    if (!instructions && messages.length === 0) say([], 'says nothing: give it instructions or input');
    const texts = [
      ...(instructions ? [{ path: ['instructions'], content: instructions }] : []),
      ...messages.map(({ content }, i) => ({ path: ['input', i, 'content'], content })),
    ];
    const names = new Set<string>();
    for (const { path, content } of texts) {
      const pieces = piecesOf(content);
      if (pieces === null) say(path, 'opens {{ without a variable: write {{name}}, or \\{{ for the braces themselves');
      else for (const piece of pieces) if (typeof piece !== 'string') names.add(piece.name);
    }
    if (names.size > PROMPT_BOUNDS.variables)
      say([], `has ${names.size} variables; a request may give ${PROMPT_BOUNDS.variables}`);
  });

export const prompts: z.ZodType<readonly FilePrompt[]> = z
  .array(prompt)
  .max(PROMPT_BOUNDS.prompts)
  .superRefine((all, ctx) => {
    const seen = new Set<string>();
    const defaults = new Set<string>();
    for (const [i, one] of all.entries()) twice(one, i, { seen, defaults, ctx });
  })
  .meta({ description: 'Prompt templates that requests name in `prompt`: docs/prompts.md. Default: none.' });

interface Seen {
  readonly seen: Set<string>;
  readonly defaults: Set<string>;
  readonly ctx: core.$RefinementCtx;
}

function twice(one: FilePrompt, i: number, { seen, defaults, ctx }: Seen): void {
  const whose = JSON.stringify([one.tenant ?? null, one.id]);
  const version = JSON.stringify([whose, one.version ?? FIRST_VERSION]);
  const say = (path: string, message: string): void => ctx.addIssue({ code: 'custom', path: [i, path], message });
  if (seen.has(version)) say('id', `is given twice in version ${one.version ?? FIRST_VERSION}`);
  seen.add(version);
  if (one.default !== true) return;
  if (defaults.has(whose)) say('default', `another version of ${one.id} is the default already`);
  defaults.add(whose);
}

export function promptsOf(file: Maybe<readonly FilePrompt[]>): readonly PromptTemplate[] {
  return (file ?? []).map(one => ({
    id: one.id,
    version: one.version ?? FIRST_VERSION,
    tenant: one.tenant ?? null,
    isDefault: one.default ?? false,
    model: one.model ?? null,
    instructions: one.instructions ? pieces(one.instructions) : null,
    messages: (one.input ?? []).map(({ role, content }) => ({ role, content: pieces(content) })),
  }));
}

/** The schema has looked at it. */
function pieces(content: string): Pieces {
  const found = piecesOf(content);
  if (found === null) throw new Error('a template was not checked');
  return found;
}
