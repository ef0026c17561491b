/** `prompt` of a request: which of the server's templates it uses, and what stands for the variables of that. */
import { perdureError } from '../perdure-error.ts';
import type { InputFile, InputImage, InputItem, InputText } from './items.ts';
import type { CreateResponse } from './settings.ts';

export type PromptVariable = string | InputText | InputImage | InputFile;

export type PromptReference = {
  readonly id: string;
  /** Null: the template's own default. */
  readonly version: string | null;
  readonly variables: { readonly [name: string]: PromptVariable } | null;
};

/** What a template comes to once its variables stand in it. */
export interface ExpandedPrompt {
  /** That was used. */
  readonly version: string;
  readonly model: string | null;
  readonly instructions: string | null;
  /** Messages that come before the request's own input. */
  readonly input: readonly InputItem[];
}

/** Finds and fills in a template. @throws PerdureError not_found, invalid_request with `param` below `prompt` */
export type PromptSource = (reference: PromptReference) => ExpandedPrompt;

/**
 * The request with its template in it: from here on nothing tells it from one that says the same by itself.
 * The request's own model and instructions win. @throws PerdureError as the source, and if something is missing in both
 */
export function withPrompt(request: CreateResponse, source: PromptSource | null): CreateResponse {
  const { prompt } = request;
  if (prompt === undefined) return request;
  if (source === null)
    throw perdureError('unsupported_parameter', 'Prompt templates are not offered here.', { param: 'prompt' });
  const { version, model, instructions, input } = source(prompt);
  const named = request.model === '' ? model : request.model;
  if (named === null) throw missing('model', 'the prompt template names none');
  const said = request.instructions ?? instructions;
  const items = [...input, ...request.input];
  const continues = request.previous_response_id !== undefined || request.conversation !== undefined;
  if (items.length === 0 && !continues) throw missing('input', 'the prompt template has no messages');
  return {
    ...request,
    model: named,
    ...(said !== null && { instructions: said }),
    input: items,
    prompt: { id: prompt.id, version, variables: shownVariables(prompt.variables) },
  };
}

function missing(param: string, why: string): Error {
  return perdureError('invalid_request', `Missing required parameter: '${param}' (${why}).`, { param });
}

/** As a response repeats them: what was sent as data stands in the input, once. */
function shownVariables(variables: PromptReference['variables']): PromptReference['variables'] {
  if (variables === null) return null;
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, shown(value)]));
}

function shown(value: PromptVariable): PromptVariable {
  if (typeof value === 'string' || value.type === 'input_text') return value;
  if (value.type === 'input_image')
    return /^data:/i.test(value.image_url ?? '') ? { ...value, image_url: null } : value;
  const { file_data: _data, ...rest } = value;
  return rest;
}
