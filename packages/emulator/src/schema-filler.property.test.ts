import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillSchema } from './schema-filler.ts';

const ajv = new Ajv2020({ strict: false });
formats.default(ajv);
const satisfies = (schema: object, value: unknown): void => {
  const validate = ajv.compile(schema);
  validate(value);
  expect({ value, errors: validate.errors }).toEqual({ value, errors: null });
};

const schemas = fc.letrec<{ schema: object }>(tie => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record(
      { type: fc.constant('string'), minLength: fc.nat(30), maxLength: fc.integer({ min: 30, max: 40 }) },
      { requiredKeys: ['type'] },
    ),
    fc.record({
      type: fc.constant('string'),
      format: fc.constantFrom('date-time', 'date', 'email', 'uri', 'uuid', 'ipv4', 'ipv6', 'hostname'),
    }),
    fc.record(
      {
        type: fc.constant('integer'),
        minimum: fc.integer({ min: -50, max: 50 }),
        multipleOf: fc.integer({ min: 1, max: 9 }),
      },
      { requiredKeys: ['type'] },
    ),
    fc.record({ type: fc.constant('integer'), maximum: fc.integer({ min: -50, max: 50 }) }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constantFrom('integer', 'number'), exclusiveMinimum: fc.integer({ min: -50, max: 50 }) }),
    fc.record({ type: fc.constantFrom('integer', 'number'), exclusiveMaximum: fc.integer({ min: -50, max: 50 }) }),
    fc
      .tuple(
        fc.constantFrom('exclusiveMinimum', 'minimum'),
        fc.constantFrom('exclusiveMaximum', 'maximum'),
        fc.integer({ min: -9, max: 9 }),
      )
      .map(([low, high, from]) => ({ type: 'number', [low]: from, [high]: from + 0.5 })),
    fc.record({ type: fc.constantFrom('boolean', 'null') }),
    fc.record({ type: fc.constant(['string', 'null']) }),
    fc.record({ const: fc.jsonValue() }),
    fc.record({ enum: fc.uniqueArray(fc.string(), { minLength: 1 }) }),
    fc.record({ type: fc.constant('array'), items: tie('schema'), minItems: fc.nat(3) }, { requiredKeys: ['type'] }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc
      .dictionary(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1 }), tie('schema'), { maxKeys: 4 })
      .map(properties => ({
        type: 'object',
        properties,
        required: Object.keys(properties),
        additionalProperties: false,
      })),
  ),
}));

test('what fills a schema satisfies it', () => {
  fc.assert(
    fc.property(schemas.schema, schema => satisfies(schema, fillSchema(schema))),
    { numRuns: 2_000 },
  );
});

test('references and combinations are followed', () => {
  const schema = {
    type: 'object',
    properties: {
      home: { $ref: '#/$defs/place' },
      both: { allOf: [{ $ref: '#/$defs/place' }, { properties: { zip: { type: 'integer' } }, required: ['zip'] }] },
      either: { oneOf: [{ type: 'integer' }, { type: 'string' }] },
      pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'boolean' }] },
    },
    required: ['home', 'both', 'either', 'pair'],
    $defs: { place: { type: 'object', properties: { town: { type: 'string' } }, required: ['town'] } },
  };
  const value = fillSchema(schema);
  satisfies(schema, value);
  expect(value).toEqual({
    home: { town: 'emulated town' },
    both: { town: 'emulated town', zip: 1 },
    either: 1,
    pair: ['emulated pair', true],
  });
});

test('a schema that refers to itself ends, in a value that satisfies it', () => {
  const tree = {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: {
          left: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
          right: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
          rest: { type: 'array', items: { $ref: '#/$defs/node' } },
        },
        required: ['left', 'right', 'rest'],
        additionalProperties: false,
      },
    },
  };
  satisfies(tree, fillSchema(tree));
  expect(fillSchema({ $ref: '#' })).toBeNull();
  expect(fillSchema({ $ref: '#/nowhere' })).toBe('emulated');
});

test('optional properties are left out where only what is required is wanted', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['b'] };
  expect(fillSchema(schema, 'required-only')).toEqual({ b: 'emulated b' });
  expect(fillSchema(schema)).toEqual({ a: 'emulated a', b: 'emulated b' });
});
