/** Tools and the choice among them, as `POST /v1/responses` takes them. */
import type { core } from 'zod';
import * as z from 'zod';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault, freeObject } from '../parse.ts';
import { choiceName, isNamespace, isSkipped, type RequestedNamespace, type RequestedTool } from './namespaces.ts';
import type {
  CustomTool,
  CustomToolFormat,
  FunctionTool,
  NamedToolChoice,
  ToolChoice,
  ToolChoiceMode,
  UnsupportedTool,
} from './settings.ts';

const name = z.string().regex(TOOL_NAME);
/** A tool's name, or that of one in a namespace. */
const CHOICE_NAME = /^[a-zA-Z0-9_-]{1,64}(\.[a-zA-Z0-9_-]{1,64})?$/;
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

/** A tool that only other servers have. One of ours with a fault never counts as one. */
const otherBeside = (ours: RegExp): z.ZodType<UnsupportedTool> =>
  z
    .looseObject({ type: z.string().min(1).max(LIMITS.nameChars).regex(ours) })
    .transform((tool): UnsupportedTool => ({ type: tool.type, unsupported: true }));
export const otherTool: z.ZodType<UnsupportedTool> = otherBeside(/^(?!(function|custom)$)/);
/** Namespaces do not nest. */
const otherThanNamespace = otherBeside(/^(?!(function|custom|namespace)$)/);

const clientTool = z.discriminatedUnion('type', [functionTool, customTool]);
const namespaceTool = z
  .object({
    type: z.literal('namespace'),
    name,
    description,
    tools: boundedList(z.union([clientTool, otherThanNamespace]), LIMITS.tools),
  })
  .transform((given): RequestedNamespace => ({ ...given, description: given.description ?? '' }));

export const tool: z.ZodType<RequestedTool> = z.union([
  z.discriminatedUnion('type', [functionTool, customTool, namespaceTool]),
  otherThanNamespace,
]);

export const choiceMode: z.ZodEnum<{ none: 'none'; auto: 'auto'; required: 'required' }> = z.enum([
  'none',
  'auto',
  'required',
]);
const namedChoice = z
  .object({ type: z.literal(['function', 'custom']), name: z.string().regex(CHOICE_NAME), namespace: name.nullish() })
  .transform((choice, ctx): NamedToolChoice => {
    if (choice.namespace && choice.name.includes('.'))
      return fault(ctx, 'mutually_exclusive_parameters', 'Name the namespace once.', ['namespace']);
    return { type: choice.type, name: choiceName(choice.name, choice.namespace ?? undefined) };
  });
const namespaceChoice = z.object({ type: z.literal('namespace'), name });
const otherChoice = z.looseObject({
  type: z
    .string()
    .min(1)
    .max(LIMITS.nameChars)
    .regex(/^(?!(function|custom|namespace)$)/),
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
          z.union([namedChoice, namespaceChoice, otherChoice]),
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
    (one): one is NamedToolChoice => /^(function|custom|namespace)$/.test(one.type) && isNamed(one),
  );
  if (named.length > 0 || tools.length === 0) return { type: 'allowed_tools', mode, tools: named };
  if (mode !== 'required') return 'none';
  return fault(ctx, 'unsupported_parameter', 'This server has none of the tools that are allowed.', ['tools']);
}

/** Names must be unique, and a choice must name tools that are there; otherwise the model's answer could not be obeyed. */
export function checkTools(
  tools: readonly RequestedTool[],
  choice: ToolChoice | undefined,
  ctx: core.$RefinementCtx,
): boolean {
  const kinds = kindsOf(tools, ctx);
  if (kinds === null) return false;
  if (choice === 'required' && [...kinds.values()].every(kind => kind === 'namespace')) {
    const why =
      tools.length === 0
        ? "A 'tool_choice' of 'required' needs 'tools'."
        : 'This server has none of the tools, so that none can be required.';
    fault(ctx, tools.length === 0 ? 'invalid_request' : 'unsupported_parameter', why, ['tool_choice']);
    return false;
  }
  if (choice === undefined || typeof choice === 'string') return true;
  const named = choice.type === 'allowed_tools' ? choice.tools : [choice];
  // A namespace's name is one of a kind of its own.
  const absent = named.find(one => kinds.get(one.type === 'namespace' ? `${one.name}.` : one.name) !== one.type);
  if (absent === undefined) return true;
  fault(ctx, 'invalid_request', `'tool_choice' names '${absent.name}', which is not in 'tools'.`, ['tool_choice']);
  return false;
}

/** The kind of each tool by the name that a choice has for it; null if a name is used twice, or there are too many. */
function kindsOf(tools: readonly RequestedTool[], ctx: core.$RefinementCtx): Map<string, string> | null {
  const kinds = new Map<string, string>();
  const add = (key: string, kind: string, name: string, path: readonly (string | number)[]): boolean => {
    if (kinds.has(key)) fault(ctx, 'invalid_request', `The tool name '${name}' is used twice.`, [...path, 'name']);
    return !kinds.has(key) && kinds.set(key, kind).has(key);
  };
  let count = 0;
  for (const [index, given] of tools.entries()) {
    const path = ['tools', index];
    count += isNamespace(given) ? given.tools.length : 1;
    if (isSkipped(given)) continue;
    if (!isNamespace(given)) {
      if (!add(given.name, given.type, given.name, path)) return null;
      continue;
    }
    // With the point it is no name of a tool.
    if (!add(`${given.name}.`, given.type, given.name, path)) return null;
    for (const [at, one] of given.tools.entries()) {
      if (isSkipped(one)) continue;
      if (!add(choiceName(one.name, given.name), one.type, one.name, [...path, 'tools', at])) return null;
    }
  }
  if (count <= LIMITS.tools) return kinds;
  const why = `'tools' is too large: at most ${LIMITS.tools} items, those in namespaces counted.`;
  fault(ctx, 'invalid_request', why, ['tools']);
  return null;
}

/** What of a request's tools was skipped: their kinds, each once, as they may stand in a header. */
export function skippedTools(tools: readonly RequestedTool[]): readonly string[] {
  const kinds = tools.flatMap(leftOutOf);
  return [...new Set(kinds.map(kind => (/^[\w.-]{1,64}$/.test(kind) ? kind : 'other')))];
}

/** A namespace in which no tool is left is left out itself. */
function leftOutOf(tool: RequestedTool): readonly string[] {
  if (!isNamespace(tool)) return isSkipped(tool) ? [tool.type] : [];
  const kinds = tool.tools.filter(isSkipped).map(one => one.type);
  return kinds.length === tool.tools.length ? [...kinds, tool.type] : kinds;
}
