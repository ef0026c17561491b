import { LIMITS } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { readFrame } from './frames.ts';

const frame = (extra: string): string => `{"type":"response.create","pad":"${'x'.repeat(40_000)}","extra":${extra}}`;
const codeOf = (text: string): unknown => {
  try {
    return readFrame(text).type;
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${String(error.code)}: ${error.message}` : error;
  }
};

test('a frame is as deep and holds as much as a body may, and is refused before it is parsed', () => {
  // Without its end no parser takes it.
  expect(codeOf(frame('['.repeat(LIMITS.jsonDepth - 1)))).toMatch(/^invalid_json: The frame/);
  expect(codeOf(frame('['.repeat(LIMITS.jsonDepth)))).toBe('invalid_request: The frame nests deeper than 64 levels.');
  expect(codeOf(frame('0,'.repeat(LIMITS.jsonNodes)))).toBe(
    'invalid_request: The frame holds more than 250000 values.',
  );
  expect(codeOf(frame('[0]'))).toBe('create');
});

test('a cache that is warmed asks for no answer, whatever `generate` says', () => {
  const generates = (more: object): unknown => {
    const read = readFrame(JSON.stringify({ type: 'response.create', ...more }));
    return read.type === 'create' && read.generate;
  };
  for (const generate of [undefined, null, true, false])
    expect(generates({ generate, prompt_cache_options: { prewarm: true } })).toBe(false);
  for (const prompt_cache_options of [undefined, null, {}, { prewarm: false }, { prewarm: null }, 'prewarm'])
    expect([generates({ prompt_cache_options }), generates({ prompt_cache_options, generate: false })]).toEqual([
      true,
      false,
    ]);
});
