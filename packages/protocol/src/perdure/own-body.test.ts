import { expect, test } from 'vitest';
import * as z from 'zod';
import { workerBody } from '../agents/worker-schema.ts';
import { ROUTES, isOurs } from '../openapi/index.ts';
import { componentSchemas } from '../openapi/schemas.ts';
import { isJsonObject } from '../json.ts';
import { parseExplain } from './explain.ts';
import { parseCreateActivation, parseCreateWaiver } from './governance.ts';
import { strayOfKey } from './keys.ts';
import { parseOwnBody } from './own-body.ts';
import { parseWhatIf } from './placements.ts';

const told = (parsed: ReturnType<typeof parseOwnBody>): unknown =>
  parsed.ok ? 'taken' : [parsed.error.code, parsed.error.param, parsed.error.message];

test('a field that is not there is told before what is missing, with what was meant', () => {
  expect(told(parseCreateWaiver({ untill: '2026-04-01' }))).toEqual([
    'unsupported_parameter',
    'untill',
    "There is no 'untill' here (did you mean until?).",
  ]);
  expect(told(parseWhatIf({ readings: ['microsoft'] }))).toEqual([
    'unsupported_parameter',
    'readings',
    "There is no 'readings' here (did you mean reading?).",
  ]);
  expect(told(parseWhatIf({ tenant: null }))).toEqual([
    'unsupported_parameter',
    'tenant',
    "There is no 'tenant' here (there are: reading, contracts, as_of, sessions).",
  ]);
  expect(told(parseWhatIf({ reading: 'microsoft', contracts: null }))).toBe('taken');
});

test('however deep it is, and not where names are free', () => {
  expect(told(parseExplain({ agent: { nmae: 'x' } }))).toEqual([
    'unsupported_parameter',
    'agent.nmae',
    "There is no 'agent.nmae' here (there are: id, version).",
  ]);
  expect(
    told(
      parseExplain({
        events: [
          { id: 'agi-verified', date: '2026-01-01' },
          { id: 'a', dat: 1 },
        ],
      }),
    ),
  ).toEqual(['unsupported_parameter', 'events[1].dat', "There is no 'events[1].dat' here (did you mean date?)."]);
  const contracts = [{ name: 'a', files: { 'any name.cedar': '' } }];
  expect(told(parseCreateActivation({ contracts }))).toBe('taken');
  expect(told(parseCreateActivation({ contracts: [{ ...contracts[0], file: {} }] }))).toMatchObject({
    1: 'contracts[0].file',
  });
});

test('what is no plain word is not repeated; what an object inherits is no field', () => {
  for (const name of ['<script>', '', 'x'.repeat(65), 'a b'])
    expect(told(parseWhatIf({ [name]: 1 }))).toEqual([
      'unsupported_parameter',
      null,
      'There is no such field here (there are: reading, contracts, as_of, sessions).',
    ]);
  expect(told(parseWhatIf({ ['x'.repeat(64)]: 1 }))).toMatchObject({ 1: 'x'.repeat(64) });
  expect(told(parseWhatIf(JSON.parse('{"__proto__": 1}')))).toMatchObject({ 1: '__proto__' });
  for (const name of ['constructor', 'toString']) expect(told(parseWhatIf({ [name]: 1 }))).toMatchObject({ 1: name });
});

test('of a union, the branch that was meant tells it; a body that is none is told as ever', () => {
  const says = {
    protocol: 1,
    worker: 'worker_1',
    isolation: 'none',
    known: [],
    output: [],
    wait_ms: 0,
    leaving: false,
  };
  expect(told(parseOwnBody(workerBody, { ...says, results: [{ key: 'k', ok: true, value: {} }] }))).toBe('taken');
  expect(told(parseOwnBody(workerBody, { ...says, results: [{ key: 'k', ok: true, value: {}, more: 1 }] }))).toEqual([
    'unsupported_parameter',
    'results[0].more',
    "There is no 'results[0].more' here.",
  ]);
  for (const body of [null, [], 'x', undefined])
    expect(told(parseWhatIf(body))).toEqual(['invalid_request', null, 'The request body must be a JSON object.']);
  expect(told(parseOwnBody(z.strictObject({ a: z.object({}) }), { a: { b: 1 } }))).toBe('taken');
});

test('of a key, only the form is looked at here', () => {
  expect(strayOfKey({ name: 1, scopes: ['none'] })).toBeNull();
  expect(strayOfKey({ name: 'a', scope: ['admin'] })).toMatchObject({ param: 'scope' });
  expect(strayOfKey(null)).toBeNull();
});

/** Objects of a schema with fields of their own that take others too, by their place. */
function openIn(schema: unknown, at: string): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap((one, index) => openIn(one, `${at}/${index}`));
  if (!isJsonObject(schema)) return [];
  const open = 'properties' in schema && schema['additionalProperties'] !== false ? [at] : [];
  return [...open, ...Object.entries(schema).flatMap(([name, inner]) => openIn(inner, `${at}/${name}`))];
}

test('the document says of every body of ours that its form is closed', () => {
  const schemas = componentSchemas();
  const bodies = ROUTES.filter(isOurs).flatMap(({ body }) => (body === undefined || body === 'text' ? [] : [body]));
  expect(new Set(bodies).size).toBeGreaterThan(15);
  expect(bodies.flatMap(name => openIn(schemas[name], name))).toEqual([]);
  expect(openIn(schemas['CreateConversation'], 'CreateConversation')).not.toEqual([]);
});
