/** The schema of `prompt`. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { fault } from '../parse.ts';
import { inputPart } from './item-schema.ts';
import type { PromptReference, PromptVariable } from './prompt.ts';

const text = z.string().max(LIMITS.textChars);
const variable: z.ZodType<PromptVariable> = z.union([text, inputPart]);

const variables = z
  .record(z.string().max(LIMITS.promptVariableChars), variable)
  .superRefine((given, ctx) => {
    if (Object.keys(given).length > LIMITS.promptVariables)
      fault(ctx, 'invalid_request', `'prompt.variables' has too many entries: at most ${LIMITS.promptVariables}.`);
  })
  .meta({ maxProperties: LIMITS.promptVariables });

/** Yields the reference with what was left out as null. */
export const promptReference: z.ZodType<PromptReference> = z
  .object({
    id: z.string().min(1).max(LIMITS.idChars),
    version: z.string().min(1).max(LIMITS.nameChars).nullish(),
    variables: variables.nullish(),
  })
  .transform(
    ({ id, version, variables: given }): PromptReference => ({
      id,
      version: version ?? null,
      variables: given ?? null,
    }),
  );
