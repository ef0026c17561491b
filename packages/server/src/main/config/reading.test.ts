import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseConfig } from './load.ts';

describe('a reading that no contract has', () => {
  const TARGET = 'targets: [{id: a, vendor: o, model: m, cloud: c, region: r, base_url: "http://127.0.0.1:1/v1"}]\n';
  const told = (text: string): string => {
    try {
      parseConfig(`${TARGET}${text}`, { file: 'p.yaml', env: {}, base: tmpdir() });
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  test('is told with its line, and what there is', () => {
    expect(told('contracts: [openai-2026-02]\nreading: as-writen\n')).toBe(
      'p.yaml:3:1: error: reading: no configured contract has a reading as-writen (did you mean as-written?)',
    );
    expect(told('reading: as-written\n')).toBe(
      'p.yaml:2:1: error: reading: no configured contract has a reading as-written (there are: none)',
    );
    expect(told('contracts: [openai-2026-02]\nreading: substance\n')).toContain(
      'p.yaml:3:1: error: reading: reading substance',
    );
    for (const reading of ['as-written', 'microsoft', 'amazon-openai'])
      expect(told(`contracts: [openai-2026-02]\nreading: ${reading}\n`)).toBe('');
  });
  test('is not told of where the contract itself is not there', () => {
    expect(told('contracts: [nowhere]\nreading: x\n')).not.toContain('reading: no configured');
  });
});
