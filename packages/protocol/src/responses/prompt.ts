/** `prompt` of a request: a template that the server keeps, and what stands in its places. */
import * as z from 'zod';
import type { ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { fault, present } from '../parse.ts';
import { inputPart } from './item-schema.ts';
import type { InputFile, InputImage, InputItem, InputPart, InputText } from './items.ts';

export type PromptVariable = string | InputPart;
export type PromptVariables = { readonly [name: string]: PromptVariable };

/** What a request says of a template. */
export type PromptReference = {
  readonly id: string;
  /** Absent: the version that the server has for those who name none. */
  readonly version?: string;
  readonly variables: PromptVariables;
};

/** An image or a file as it is repeated: what lay in the request itself is not sent back. */
type ShownVariable = string | InputText | (Omit<InputImage, 'image_url'> & { image_url: string | null }) | InputFile;

/** What a response repeats of it. */
export type ResponsePrompt = {
  readonly id: string;
  /** The version that was used. */
  readonly version: string;
  readonly variables: { readonly [name: string]: ShownVariable } | null;
};

/** What a template comes to with its variables: plain items. */
export type ExpandedPrompt = {
  readonly version: string;
  /** Come before the input of the request. */
  readonly input: readonly InputItem[];
  /** Those of the request win, as its model does. */
  readonly instructions?: string;
  readonly model?: string;
};

/** Why it comes to nothing. `path` is below `prompt`. */
export type PromptFault = {
  readonly fault: ErrorCode;
  readonly message: string;
  readonly path: readonly string[];
};

/**
 * Finds a template and puts the variables in.
 * @param own the items that the request has beside it: together they are bounded
 */
export type ExpandPrompt = (reference: PromptReference, own: readonly unknown[]) => ExpandedPrompt | PromptFault;

/** Says that there is no such prompt: also where it is another tenant's (L10). */
export function promptNotFound({ id, version }: Pick<PromptReference, 'id' | 'version'>): PromptFault {
  // A plain word may be repeated, content may not.
  const word = (text: string): string => (/^[\w.-]{1,64}$/.test(text) ? ` '${text}'` : '');
  if (version === undefined)
    return { fault: 'prompt_not_found', message: `Prompt with id${word(id)} not found.`, path: ['id'] };
  const message = `Prompt with id${word(id)} and version${word(version)} not found.`;
  return { fault: 'prompt_not_found', message, path: ['version'] };
}

/** The server keeps none. */
export const noPrompts: ExpandPrompt = ({ id }) => promptNotFound({ id });

const variable = z.union([z.string().max(LIMITS.promptValueChars), inputPart]);

export const promptReference: z.ZodType<PromptReference> = z
  .object({
    id: z.string().min(1).max(LIMITS.idChars),
    version: z.string().min(1).max(LIMITS.idChars).nullish(),
    variables: z
      .record(z.string(), variable)
      .superRefine((variables, ctx) => {
        const entries = Object.entries(variables);
        if (entries.length > LIMITS.promptVariables)
          return fault(ctx, 'invalid_request', `There are too many variables: at most ${LIMITS.promptVariables}.`);
        const long = entries.find(
          ([, value]) =>
            typeof value === 'object' && value.type === 'input_text' && value.text.length > LIMITS.promptValueChars,
        );
        if (long === undefined) return undefined;
        const message = `The variable is too large: at most ${LIMITS.promptValueChars} characters.`;
        return fault(ctx, 'invalid_request', message, [long[0], 'text']);
      })
      .nullish(),
  })
  .transform(
    (given): PromptReference => ({
      id: given.id,
      ...present({ version: given.version }),
      variables: given.variables ?? {},
    }),
  );

/** What the response repeats: an image or a file that lay in the request is in its items already. */
export function shownPrompt({ id, variables }: PromptReference, version: string): ResponsePrompt {
  const entries = Object.entries(variables).map(([name, value]) => [name, shownVariable(value)] as const);
  return { id, version, variables: entries.length === 0 ? null : Object.fromEntries(entries) };
}

function shownVariable(value: PromptVariable): ShownVariable {
  if (typeof value === 'string' || value.type === 'input_text') return value;
  if (value.type === 'input_image')
    return value.image_url !== null && /^data:/i.test(value.image_url) ? { ...value, image_url: null } : value;
  const { file_data: _inline, ...shown } = value;
  return shown;
}
