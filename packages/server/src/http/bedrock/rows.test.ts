import { expect, test } from 'vitest';
import { isBedrock, underBedrock, underPrefix } from './rows.ts';

const run = (): string => 'ran';
const ROWS = [
  ['POST', '/v1/responses', ['inference'], run],
  ['GET', '/v1/agents/sessions', ['read'], run],
  ['GET', '/v1/agents/sessions/:id/turns', ['read'], run],
] as const;

test('a row is served under a prefix with its own scopes and handler', () => {
  expect(underPrefix(ROWS, '/openai', new Set(['POST /v1/responses']))).toEqual([
    ['POST', '/openai/v1/responses', ['inference'], run],
  ]);
});

test('of the sessions only what Bedrock documents', () => {
  expect(underBedrock(ROWS)).toEqual([['GET', '/openai/v1/agents/sessions', ['read'], run]]);
});

test('only what is under the prefix may be signed', () => {
  expect(isBedrock('/openai/v1/agents/sessions')).toBe(true);
  expect(isBedrock('/openaix')).toBe(false);
  expect(isBedrock('/v1/agents/sessions')).toBe(false);
});
