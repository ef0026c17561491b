/**
 * For tests only: what OpenAI's Responses has and Open Responses 2026-04-24 does not, and this server serves. Written from the types of
 * OpenAI's client, in the style of the schema, and closed (`additionalProperties: false`), so that nothing else passes.
 */
type Schema = { readonly [key: string]: unknown };

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const status = (...more: readonly string[]): Schema => ({ enum: ['in_progress', 'completed', 'incomplete', ...more] });
const free: Schema = { type: 'object' };
const toolOutput: Schema = {
  oneOf: [
    text,
    {
      type: 'array',
      items: {
        oneOf: ['InputTextContent', 'InputImageContent', 'InputFileContent'].map(name => ({
          $ref: `#/components/schemas/${name}`,
        })),
      },
    },
  ],
};

function closed(
  type: string | readonly string[],
  fields: { readonly [name: string]: Schema },
  optional: string[] = [],
): Schema {
  const properties = { type: { type: 'string', enum: typeof type === 'string' ? [type] : type }, ...fields };
  const required = Object.keys(properties).filter(name => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

/** Items beside those of `ItemField`. */
export const ITEMS: { readonly [name: string]: Schema } = {
  CustomToolCall: closed(
    'custom_tool_call',
    { id: text, call_id: text, name: text, namespace: text, input: text, status: status() },
    ['namespace'],
  ),
  CustomToolCallOutput: closed('custom_tool_call_output', {
    id: text,
    call_id: text,
    output: toolOutput,
    status: status(),
  }),
  ShellCall: closed(['local_shell_call', 'shell_call'], { id: text, call_id: text, action: free, status: status() }),
  PatchCall: closed('apply_patch_call', { id: text, call_id: text, operation: free, status: status() }),
  LocalShellCallOutput: closed('local_shell_call_output', { id: text, call_id: text, output: text, status: status() }),
  ShellCallOutput: closed(
    'shell_call_output',
    { id: text, call_id: text, output: { type: 'array', items: free }, max_output_length: count, status: status() },
    ['max_output_length'],
  ),
  PatchCallOutput: closed(
    'apply_patch_call_output',
    { id: text, call_id: text, output: text, status: status('failed') },
    ['output'],
  ),
};

const customTool = closed(
  'custom',
  {
    name: text,
    description: text,
    format: {
      oneOf: [closed('text', {}), closed('grammar', { syntax: { enum: ['lark', 'regex'] }, definition: text })],
    },
  },
  ['description'],
);

/** Tools beside those of `Tool`. */
export const TOOLS: { readonly [name: string]: Schema } = {
  CustomTool: customTool,
  NamespaceTool: closed('namespace', {
    name: text,
    description: text,
    tools: { type: 'array', items: { oneOf: [{ $ref: '#/components/schemas/FunctionTool' }, customTool] } },
  }),
};

/** A choice of a custom tool, alone or among those allowed. */
export const CHOICE: Schema = closed('custom', { name: text });
/** A namespace among the tools that are allowed. */
export const NAMESPACE_CHOICE: Schema = closed('namespace', { name: text });

const ofItem = { sequence_number: count, item_id: text, output_index: count };

/** Stream events, in whose place Open Responses has none. */
export const EVENTS: { readonly [name: string]: Schema } = {
  CustomInputDelta: closed('response.custom_tool_call_input.delta', { ...ofItem, delta: text, obfuscation: text }, [
    'obfuscation',
  ]),
  CustomInputDone: closed('response.custom_tool_call_input.done', { ...ofItem, input: text }),
};
