import { badRequest } from './failure.ts';
import { booleanIn, choiceIn, type Fields, isFields, missing, objectIn, pathOf, required, stringIn } from './fields.ts';
import type { ToolDefinition } from './prompt.ts';

const NAME = /^[a-zA-Z0-9_-]+$/;
const TOOL_NAME_CHARS = 64;
/** Deeper schemas are not looked at. */
const STRICT_DEPTH = 16;

/** What a strict schema lacks, in the words of the API, or null: every object closed, every property required. */
function strictLack(schema: unknown, context: readonly string[]): string | null {
  if (!isFields(schema) || context.length > 2 * STRICT_DEPTH) return null;
  const place = `In context=(${context.map(step => `'${step}'`).join(', ')})`;
  const properties = isFields(schema['properties']) ? schema['properties'] : null;
  if (schema['type'] === 'object' || properties !== null) {
    if (schema['additionalProperties'] !== false)
      return `${place}, 'additionalProperties' is required to be supplied and to be false.`;
    const given = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
    const lacking = Object.keys(properties ?? {}).find(name => !given.includes(name));
    if (lacking !== undefined) {
      return `${place}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${lacking}'.`;
    }
  }
  const below: [readonly string[], unknown][] = Object.entries(properties ?? {}).map(([name, each]) => [
    ['properties', name],
    each,
  ]);
  below.push([['items'], schema['items']]);
  if (Array.isArray(schema['anyOf']))
    schema['anyOf'].forEach((each, index) => below.push([['anyOf', String(index)], each]));
  if (isFields(schema['$defs']))
    for (const [name, each] of Object.entries(schema['$defs'])) below.push([['$defs', name], each]);
  for (const [steps, each] of below) {
    const lack = strictLack(each, [...context, ...steps]);
    if (lack !== null) return lack;
  }
  return null;
}

export function checkStrictSchema(schema: unknown, subject: string, param: string, code: string | null): void {
  const lack =
    isFields(schema) && schema['type'] !== 'object'
      ? 'schema must be a JSON Schema of \'type: "object"\'.'
      : strictLack(schema, []);
  if (lack !== null) throw badRequest(`Invalid schema for ${subject}: ${lack}`, param, code);
}

export function checkName(fields: Fields, parent: string): string {
  const name = required(stringIn, fields, 'name', parent);
  const param = pathOf(parent, 'name');
  if (!NAME.test(name)) {
    throw badRequest(
      `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '${NAME.source}'.`,
      param,
      'invalid_value',
    );
  }
  if (name.length > TOOL_NAME_CHARS) {
    throw badRequest(
      `Invalid '${param}': string too long. Expected a string with maximum length ${TOOL_NAME_CHARS}, but got a string with length ${name.length} instead.`,
      param,
      'string_above_max_length',
    );
  }
  return name;
}

/** A custom tool, at `parent` in the body. Chat wraps a grammar once more. */
export function customDefinition(fields: Fields, parent: string, dialect: 'responses' | 'chat'): ToolDefinition {
  const name = checkName(fields, parent);
  const description = stringIn(fields, 'description', parent);
  const format = objectIn(fields, 'format', parent);
  if (format !== null) {
    const path = pathOf(parent, 'format');
    const type = choiceIn(format, 'type', ['text', 'grammar'], path);
    if (type === null) throw missing(pathOf(path, 'type'));
    if (type === 'grammar') {
      const at = dialect === 'chat' ? pathOf(path, 'grammar') : path;
      const grammar = dialect === 'chat' ? required(objectIn, format, 'grammar', path) : format;
      if (choiceIn(grammar, 'syntax', ['lark', 'regex'], at) === null) throw missing(pathOf(at, 'syntax'));
      required(stringIn, grammar, 'definition', at);
    }
  }
  return { type: 'custom', name, description, parameters: null, strict: null };
}

/** A function's name, description, parameters and strict, at `parent` in the body. */
export function functionDefinition(fields: Fields, parent: string): ToolDefinition {
  const name = checkName(fields, parent);
  const description = stringIn(fields, 'description', parent);
  const parameters = objectIn(fields, 'parameters', parent);
  const strict = booleanIn(fields, 'strict', parent);
  if (strict === true && parameters !== null) {
    checkStrictSchema(parameters, `function '${name}'`, pathOf(parent, 'parameters'), 'invalid_function_parameters');
  }
  return { type: 'function', name, description, parameters, strict };
}
