import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from './json-schema.ts';

const published: unknown = JSON.parse(readFileSync(new URL('../../../perdure.schema.json', import.meta.url), 'utf8'));

test('the published schema is up to date (npm run schema)', () => {
  expect(published).toEqual(JSON.parse(configJsonSchema()));
});

test('it accepts what the server accepts, values of the environment too, and nothing else', () => {
  const validate = new Ajv2020({ strict: false }).compile(published as object);
  const target = '{id: a, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "https://a.example/v1"}';
  expect(validate(parse(`targets: [${target}]\nlisten: {port: "\${PORT:-4180}"}\nenforce: \${E}\n`))).toBe(true);
  expect(validate(parse(`targets: [${target}]\nlisten: {port: "4180"}\n`))).toBe(false);
  expect(validate(parse(`targets: [${target}]\nlimits: {request_ms: 1}\n`))).toBe(false);
  expect(validate(parse(`targetz: [${target}]\n`))).toBe(false);
  expect(validate(parse('{}'))).toBe(false);
});
