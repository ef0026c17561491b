/** docs/configuration.md says what the schema says. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { limitsTable } from './limits-table.test-support.ts';
import { configJsonSchema } from './json-schema.ts';
import { parseConfig } from './load.ts';

const page = readFileSync(new URL('../../../../../docs/configuration.md', import.meta.url), 'utf8');

/** A formatter may pad the cells. */
const cells = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter(line => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map(line =>
      line
        .split('|')
        .map(cell => cell.trim())
        .join('|'),
    );

test('every limit is in its table, as it is', () => {
  const documented = new Set(cells(page));
  expect(cells(limitsTable()).filter(row => !documented.has(row))).toEqual([]);
});

test('every key of the file is named', () => {
  const { properties } = JSON.parse(configJsonSchema()) as { properties: { [name: string]: object } };
  expect(Object.keys(properties).filter(key => !page.includes(`\`${key}\``))).toEqual([]);
});

test('its example is accepted', () => {
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const env = { AZURE_OPENAI_API_KEY: 'a', BEDROCK_API_KEY: 'b', OPS_KEY: 'a-secret-of-sixteen' };
  const { config, warnings } = parseConfig(example, { file: 'example', env, base: tmpdir() });
  expect(warnings).toEqual([]);
  expect(config.homes).toHaveLength(2);
  expect(config.keys).toHaveLength(2);
});
