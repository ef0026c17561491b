import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { Config } from './config.ts';
import { parseConfig } from './load.ts';

const TARGET =
  'targets:\n  - {id: a, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "https://a.example/v1"}\n';
const parse = (more: string): Config['compaction'] =>
  parseConfig(`${TARGET}${more}`, { file: 'perdure.yaml', env: {}, base: tmpdir() }).config.compaction;
const at = (share: number): string => `compaction: {strategy: model, at: ${share}}\n`;

test('without a model and only when asked, unless it says otherwise; its share is bounded on both sides', () => {
  expect(parse('')).toEqual({ strategy: 'extractive', at: null });
  for (const share of [1, 99]) expect(parse(at(share))).toEqual({ strategy: 'model', at: share });
  for (const share of [0, 100]) expect(() => parse(at(share))).toThrow('compaction.at: must be at');
  expect(() => parse('compaction: {strategy: guess}\n')).toThrow('compaction.strategy');
});
