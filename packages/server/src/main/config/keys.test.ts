import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { hashSecret } from '../keys/secret.ts';
import type { Environment } from './interpolate.ts';
import { parseConfig } from './load.ts';
import { problemLine } from './problem.ts';

const read = (text: string, env: Environment = {}) => parseConfig(text, { file: 'perdure.yaml', env, base: tmpdir() });
const warnings = (text: string, env: Environment = {}): readonly string[] => read(text, env).warnings.map(problemLine);

/** `file:line:column` of a word. */
function where(text: string, line: number, word: string): string {
  return `perdure.yaml:${line}:${(text.split('\n')[line - 1] ?? '').indexOf(word) + 1}`;
}

const target = (more = ''): string =>
  `targets:\n  - {id: a, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "https://a.example/v1"${more}}\n`;

test('keys keep the hash only', () => {
  const secret = 'pdr_0123456789abcdef';
  const { config } = read(`${target()}keys: [{name: k, secret: "\${S}", tenant: acme}]\n`, { S: secret });
  expect(config.keys).toEqual([
    {
      name: 'k',
      hash: hashSecret(secret),
      tenant: 'acme',
      channel: 'direct',
      segment: 'commercial',
      product: 'api',
      scopes: ['inference', 'read'],
    },
  ]);
  expect(JSON.stringify(config)).not.toContain(secret);
});

test('keys in plain text are warned of, without being shown', () => {
  const text = `${target(', api_key: plain-text-key')}keys: [{name: k, secret: another-plain-key}]\n`;
  expect(warnings(text)).toEqual([
    `${where(text, 2, 'api_key')}: warning: targets[0].api_key: stands in the file in plain text: use \${NAME}`,
    `${where(text, 3, 'secret')}: warning: keys[0].secret: stands in the file in plain text: use hash, or \${NAME}`,
  ]);
  expect(warnings(target(', api_key: "${K}"'), { K: 'k' })).toEqual([]);
});

test('keys over a plain connection are warned of, but for loopback', () => {
  const text = (url: string): string =>
    `targets: [{id: a, vendor: o, model: m, cloud: c, region: r, base_url: "${url}", api_key: "\${K}"}]\n`;
  expect(warnings(text('http://a.example/v1'), { K: 'k' })).toEqual([expect.stringContaining('not encrypted')]);
  expect(warnings(text('http://127.0.0.1:1/v1'), { K: 'k' })).toEqual([]);
  expect(warnings(text('http://127.0.0.1.example/v1'), { K: 'k' })).toHaveLength(1);
});
