/**
 * For tests only: validates what the server sends against the schema of Open Responses 2026-04-24. Each function gives a list
 * of errors, empty if the value is valid. Not exported from the package: tests import it by its path.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { isJsonObject } from '../json.ts';
import { RESPONSE_PROPERTIES } from '../responses/resource.ts';
import { CHOICE, EVENTS, ITEMS, NAMESPACE_CHOICE, TOOLS } from './beyond-open-responses.ts';

type Schema = { [key: string]: unknown };
type Document = { components: { schemas: { [name: string]: Schema & { properties: { [name: string]: Schema } } } } };

const source = new URL('../../fixtures/openresponses/openapi-2026-04-24.json', import.meta.url);
const document = JSON.parse(readFileSync(source, 'utf8')) as Document;
const { schemas } = document.components;

/** Where the document contradicts itself, or OpenAI's clients, in what it lets a server echo. */
function correct(): void {
  // Says that the schema of a `json_schema` format is null; the request's own type says that it is an object.
  Object.assign(schemas['JsonSchemaResponseFormat']?.properties['schema'] ?? {}, {
    anyOf: [{ type: 'object' }, { type: 'null' }],
  });
  // Describes `minimal` and leaves it out of the list; OpenAI's clients also know `max`.
  const effort = schemas['ReasoningEffortEnum'];
  if (effort !== undefined) effort['enum'] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
  // OpenAI's clients know one more.
  const detail = schemas['ImageDetail'];
  if (detail !== undefined) detail['enum'] = ['low', 'high', 'auto', 'original'];
}
correct();

/** Adds what OpenAI has beyond the document: the documented deviations, each with a schema of its own. */
function extend(): void {
  const beside = (union: unknown, added: object): void => {
    if (!isJsonObject(union) || !Array.isArray(union['oneOf'])) throw new Error('the document has changed');
    for (const name of Object.keys(added)) (union['oneOf'] as unknown[]).push({ $ref: `#/components/schemas/${name}` });
  };
  Object.assign(schemas, ITEMS, TOOLS, EVENTS, { CustomToolChoice: CHOICE, NamespaceChoice: NAMESPACE_CHOICE });
  beside(schemas['ItemField'], ITEMS);
  beside(schemas['Tool'], TOOLS);
  beside(schemas['ResponseResource']?.properties['tool_choice'], { CustomToolChoice: CHOICE });
  beside(schemas['AllowedToolChoice']?.properties['tools']?.['items'], {
    CustomToolChoice: CHOICE,
    NamespaceChoice: NAMESPACE_CHOICE,
  });
  // OpenAI's calls tell the namespace of their tool.
  Object.assign(schemas['FunctionCall']?.properties ?? {}, { namespace: { type: 'string' } });
}
extend();

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, 'open-responses');

const compiled = new Map<string, ValidateFunction>();
function errorsOf(name: string, value: unknown): string[] {
  const validate = compiled.get(name) ?? ajv.compile({ $ref: `open-responses#/components/schemas/${name}` });
  compiled.set(name, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(error => `${error.instancePath || '/'}: ${error.message ?? error.keyword}`);
}

const eventSchemas = new Map<unknown, string>();
for (const [name, schema] of Object.entries(schemas)) {
  if (!name.endsWith('StreamingEvent') && !Object.hasOwn(EVENTS, name)) continue;
  const types = schema.properties['type']?.['enum'];
  if (Array.isArray(types)) eventSchemas.set(types[0], name);
}

/** The types of stream events that the schema knows. */
export const streamEventTypes: readonly string[] = [...eventSchemas.keys()].map(String);

/** A response object: all of the schema, and the 31 properties present. */
export function validateResponse(body: unknown): string[] {
  const absent = isJsonObject(body) ? RESPONSE_PROPERTIES.filter(name => !Object.hasOwn(body, name)) : [];
  return [...absent.map(name => `/${name}: is absent`), ...errorsOf('ResponseResource', body)];
}

/** A stream event, by its type. A type that the schema does not know is an error: clients throw on those. */
export function validateStreamEvent(event: unknown): string[] {
  const type = isJsonObject(event) ? event['type'] : undefined;
  const name = eventSchemas.get(type);
  return name === undefined ? [`/type: ${String(type)} is no event of Open Responses`] : errorsOf(name, event);
}

/** An item as served, in `output` or in a list. Our own rule on top: every item has a status. */
export function validateItem(item: unknown): string[] {
  const status = isJsonObject(item) && !('status' in item) ? ['/status: is absent'] : [];
  return [...status, ...errorsOf('ItemField', item)];
}

/** The answer of `POST /responses/compact`: every item has a status there too. */
export function validateCompaction(body: unknown): string[] {
  const output = isJsonObject(body) && Array.isArray(body['output']) ? (body['output'] as unknown[]) : [];
  return [...errorsOf('CompactResource', body), ...output.flatMap(validateItem)];
}

/** A request body as the specification has it. */
export function validateRequest(body: unknown): string[] {
  return errorsOf('CreateResponseBody', body);
}
