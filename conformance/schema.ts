/** The schema of Open Responses 2026-04-24, and what OpenAI has beyond it. Each function gives a list of faults. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { at, isJson, type Json, listAt } from './json.ts';

type Schema = { [key: string]: unknown };
type Document = { components: { schemas: { [name: string]: Schema & { properties?: { [name: string]: Schema } } } } };

const source = new URL('../packages/protocol/fixtures/openresponses/openapi-2026-04-24.json', import.meta.url);
const document = JSON.parse(readFileSync(source, 'utf8')) as Document;
const { schemas } = document.components;

/** Where the document contradicts itself, or the documented requests, in what it lets a server echo. */
function correct(): void {
  Object.assign(schemas['JsonSchemaResponseFormat']?.properties?.['schema'] ?? {}, {
    anyOf: [{ type: 'object' }, { type: 'null' }],
  });
  const effort = schemas['ReasoningEffortEnum'];
  if (effort !== undefined) effort['enum'] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
}
correct();

/** The properties that every snapshot of a response has. */
export const RESPONSE_PROPERTIES: readonly string[] = schemas['ResponseResource']?.['required'] as readonly string[];
/** Those of them that may be null. */
export const NULLABLE: ReadonlySet<string> = new Set([
  'completed_at',
  'incomplete_details',
  'previous_response_id',
  'instructions',
  'error',
  'reasoning',
  'usage',
  'max_output_tokens',
  'max_tool_calls',
  'safety_identifier',
  'prompt_cache_key',
]);

/** Items, tools and events of OpenAI's API that the schema does not define: not judged by it, known to clients. */
const BEYOND_ITEMS =
  /^(custom_tool_call|custom_tool_call_output|local_shell_call|local_shell_call_output|shell_call|shell_call_output|apply_patch_call|apply_patch_call_output|web_search_call|file_search_call|computer_call|computer_call_output|code_interpreter_call|image_generation_call|mcp_list_tools|mcp_call|mcp_approval_request|mcp_approval_response|tool_search_call|tool_search_output)$/;
const BEYOND_EVENTS =
  /^response\.(reasoning_text\.(delta|done)|custom_tool_call_input\.(delta|done)|(web_search|file_search|code_interpreter|image_generation|mcp)_call\.\w+|code_interpreter_call_code\.(delta|done)|mcp_call_arguments\.(delta|done)|mcp_list_tools\.\w+|image_generation_call\.partial_image|audio\.(delta|done)|audio\.transcript\.(delta|done)|shell_call_command\.(added|delta|done)|shell_call_output_content\.(delta|done)|compaction\.compacting|steer\.(accepted|pending|failed))$/;

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, 'open-responses');
const compiled = new Map<string, ValidateFunction>();

function faultsOf(name: string, value: unknown): readonly string[] {
  const validate = compiled.get(name) ?? ajv.compile({ $ref: `open-responses#/components/schemas/${name}` });
  compiled.set(name, validate);
  if (validate(value)) return [];
  const faults = (validate.errors ?? []).map(
    error => `${error.instancePath || '/'}: ${error.message ?? error.keyword}`,
  );
  return [...new Set(faults)].slice(0, 5);
}

const eventSchemas = new Map<unknown, string>();
for (const [name, schema] of Object.entries(schemas)) {
  const types = name.endsWith('StreamingEvent') ? schema.properties?.['type']?.['enum'] : undefined;
  if (Array.isArray(types)) eventSchemas.set(types[0], name);
}

/** Whether clients know an event of this type: OpenAI's SDK throws on one that it does not. */
export const isKnownEvent = (type: string): boolean => eventSchemas.has(type) || BEYOND_EVENTS.test(type);

export function responseFaults(response: unknown): readonly string[] {
  if (!isJson(response)) return ['/: is no object'];
  // What OpenAI has beyond the schema is left out, and the rest judged.
  const output = listAt(response, 'output').filter(item => !BEYOND_ITEMS.test(String(item['type'])));
  const tools = listAt(response, 'tools').filter(tool => tool['type'] === 'function');
  const beyond: Json = {
    ...(Array.isArray(response['output']) && { output }),
    ...(Array.isArray(response['tools']) && { tools }),
    ...(at(response, 'tool_choice', 'type') === 'custom' && { tool_choice: 'auto' }),
  };
  return faultsOf('ResponseResource', { ...response, ...beyond });
}

export function itemFaults(item: unknown): readonly string[] {
  return BEYOND_ITEMS.test(String(at(item, 'type'))) ? [] : faultsOf('ItemField', item);
}

export function eventFaults(event: Json): readonly string[] {
  const name = eventSchemas.get(event['type']);
  if (name === undefined)
    return BEYOND_EVENTS.test(String(event['type'])) ? [] : ['/type: is no event that clients know'];
  const { response, item } = event;
  if (isJson(response)) return responseFaults(response).map(fault => `/response${fault}`);
  if (isJson(item) && BEYOND_ITEMS.test(String(item['type']))) return [];
  return faultsOf(name, event);
}

export const compactionFaults = (value: unknown): readonly string[] => faultsOf('CompactResource', value);
export const socketErrorFaults = (value: unknown): readonly string[] => faultsOf('WebSocketErrorEvent', value);

/** OpenAI's envelope: `{"error": {message, type, code, param}}`. */
export function envelopeFaults(body: unknown): readonly string[] {
  const error = at(body, 'error');
  if (!isJson(error)) return ['/error: is absent'];
  const { message, type, code, param } = error;
  return [
    ...(typeof message === 'string' && message !== '' ? [] : ['/error/message: is absent']),
    ...(typeof type === 'string' && type !== '' ? [] : ['/error/type: is absent']),
    ...(code === null || typeof code === 'string' ? [] : ['/error/code: is neither a text nor null']),
    ...(param === null || typeof param === 'string' ? [] : ['/error/param: is neither a text nor null']),
  ];
}
