/** Tools and the choice among them, as `POST /v1/responses` takes them. */
import type { core } from 'zod';
import * as z from 'zod';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault, freeObject } from '../parse.ts';
import type {
  ClientTool,
  CustomTool,
  CustomToolFormat,
  FunctionTool,
  NamedToolChoice,
  ToolChoice,
  ToolChoiceMode,
  UnsupportedTool,
} from './settings.ts';

const name = z.string().regex(TOOL_NAME);
const description = z.string().max(LIMITS.descriptionChars).nullish();

const functionTool = z
  .object({
    type: z.literal('function'),
    name,
    description,
    parameters: freeObject.nullish(),
    strict: z.boolean().nullish(),
  })
  .transform(
    (tool): FunctionTool => ({
      type: 'function',
      name: tool.name,
      description: tool.description ?? null,
      parameters: tool.parameters ?? null,
      strict: tool.strict ?? null,
    }),
  );

/** The syntax and definition of a grammar; chat wraps them once more. */
export const grammar: z.ZodObject<{ syntax: z.ZodEnum<{ lark: 'lark'; regex: 'regex' }>; definition: z.ZodString }> =
  z.object({ syntax: z.enum(['lark', 'regex']), definition: z.string().min(1).max(LIMITS.grammarChars) });

const customFormat: z.ZodType<CustomToolFormat> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  grammar.extend({ type: z.literal('grammar') }),
]);
const customTool = z
  .object({ type: z.literal('custom'), name, description, format: customFormat.nullish() })
  .transform(tool => customToolOf(tool.name, tool.description, tool.format));

export function customToolOf(
  named: string,
  described: string | null | undefined,
  format: CustomToolFormat | null | undefined,
): CustomTool {
  return {
    type: 'custom',
    name: named,
    ...(described !== undefined && described !== null && { description: described }),
    format: format ?? { type: 'text' },
  };
}

/** A tool that only other servers have. A function or a custom tool with a fault never counts as one. */
export const otherTool: z.ZodType<UnsupportedTool> = z
  .looseObject({
    type: z
      .string()
      .min(1)
      .max(LIMITS.nameChars)
      .regex(/^(?!(function|custom)$)/),
  })
  .transform((tool): UnsupportedTool => ({ type: tool.type, unsupported: true }));

export const tool: z.ZodType<ClientTool | UnsupportedTool> = z.union([
  z.discriminatedUnion('type', [functionTool, customTool]),
  otherTool,
]);

export const choiceMode: z.ZodEnum<{ none: 'none'; auto: 'auto'; required: 'required' }> = z.enum([
  'none',
  'auto',
  'required',
]);
const namedChoice = z.object({ type: z.literal(['function', 'custom']), name });
const otherChoice = z.looseObject({
  type: z
    .string()
    .min(1)
    .max(LIMITS.nameChars)
    .regex(/^(?!(function|custom)$)/),
});

export const toolChoice: z.ZodType<ToolChoice> = z.union([
  choiceMode,
  z.discriminatedUnion('type', [
    namedChoice,
    z
      .object({
        type: z.literal('allowed_tools'),
        mode: choiceMode.nullish(),
        tools: boundedList<NamedToolChoice | { readonly type: string }>(
          z.union([namedChoice, otherChoice]),
          LIMITS.tools,
        ),
      })
      .transform((choice, ctx) => allowedTools(choice.mode, choice.tools, ctx)),
  ]),
]);

const isNamed = (choice: NamedToolChoice | { readonly type: string }): choice is NamedToolChoice => 'name' in choice;

/** Tools that are skipped are skipped here too. If no other was allowed, none may be called. */
export function allowedTools(
  given: ToolChoiceMode | null | undefined,
  tools: readonly (NamedToolChoice | { readonly type: string })[],
  ctx: core.$RefinementCtx,
): ToolChoice {
  const mode = given ?? 'auto';
  const named = tools.filter(
    (one): one is NamedToolChoice => (one.type === 'function' || one.type === 'custom') && isNamed(one),
  );
  if (named.length > 0 || tools.length === 0) return { type: 'allowed_tools', mode, tools: named };
  if (mode !== 'required') return 'none';
  return fault(ctx, 'unsupported_parameter', 'This server has none of the tools that are allowed.', ['tools']);
}

/** Names must be unique, and a choice must name tools that are there; otherwise the model's answer could not be obeyed. */
export function checkTools(
  tools: readonly (ClientTool | UnsupportedTool)[],
  choice: ToolChoice | undefined,
  ctx: core.$RefinementCtx,
): boolean {
  const kinds = new Map<string, ClientTool['type']>();
  for (const [index, given] of tools.entries()) {
    if ('unsupported' in given) continue;
    if (kinds.has(given.name)) {
      fault(ctx, 'invalid_request', `The tool name '${given.name}' is used twice.`, ['tools', index, 'name']);
      return false;
    }
    kinds.set(given.name, given.type);
  }
  if (choice === 'required' && kinds.size === 0) {
    const why =
      tools.length === 0
        ? "A 'tool_choice' of 'required' needs 'tools'."
        : 'This server has none of the tools, so that none can be required.';
    fault(ctx, tools.length === 0 ? 'invalid_request' : 'unsupported_parameter', why, ['tool_choice']);
    return false;
  }
  if (choice === undefined || typeof choice === 'string') return true;
  const named = choice.type === 'allowed_tools' ? choice.tools : [choice];
  const absent = named.find(one => kinds.get(one.name) !== one.type);
  if (absent === undefined) return true;
  fault(ctx, 'invalid_request', `'tool_choice' names '${absent.name}', which is not in 'tools'.`, ['tool_choice']);
  return false;
}

/** What of a request's tools was skipped: their kinds, each once, as they may stand in a header. */
export function skippedTools(tools: readonly (ClientTool | UnsupportedTool)[]): readonly string[] {
  const kinds = tools.filter((one): one is UnsupportedTool => 'unsupported' in one).map(one => one.type);
  return [...new Set(kinds.map(kind => (/^[\w.-]{1,64}$/.test(kind) ? kind : 'other')))];
}
