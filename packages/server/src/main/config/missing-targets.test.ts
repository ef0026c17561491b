/** A file without targets is told what to write: what a start without a file would have found. */
import { describe, expect, test } from 'vitest';
import { fromEnvironment } from '../discover/environment.ts';
import { configWith } from '../discover.ts';
import type { Environment } from './interpolate.ts';
import { parseConfig } from './load.ts';
import { problemOf } from './problem.test-support.ts';

const base = '/nowhere';

function refused(text: string, env: Environment): string {
  const problem = problemOf(() => parseConfig(text, { file: 'perdure.yaml', env, base }));
  if (problem === null) throw new Error('this configuration was accepted');
  return problem;
}

const OPENAI = { OPENAI_API_KEY: 'sk-secret-one', OPENAI_MODEL: 'gpt-5.5,a$b' };
const AZURE = {
  AZURE_OPENAI_ENDPOINT: 'https://house.openai.azure.com',
  AZURE_OPENAI_API_KEY: 'azure-secret-two',
  AZURE_OPENAI_DEPLOYMENT: 'gpt-5.5',
};
const ENVIRONMENTS: readonly (readonly [string, Environment])[] = [
  ['OpenAI', OPENAI],
  ['OpenAI at an address of its own', { ...OPENAI, OPENAI_BASE_URL: 'https://proxy.example/v1?tenant=hidden-three' }],
  ['Azure', AZURE],
  ...['/', '/openai', '/openai/', '/openai/v1', '/openai/v1/'].map(
    end => [`Azure, ${end}`, { ...AZURE, AZURE_OPENAI_ENDPOINT: `${AZURE.AZURE_OPENAI_ENDPOINT}${end}` }] as const,
  ),
  ['both', { ...OPENAI, ...AZURE }],
];

describe.each(ENVIRONMENTS)('%s', (_, env) => {
  test.each(['', 'enforce: true\n', 'targets: []\n', 'targets:\n'])(
    'what it says to write, to %j, is what would have been found',
    text => {
      const message = refused(text, env);
      expect(message).toContain('error: targets: ');
      const written = message.slice(message.indexOf('\ntargets:\n'));
      const { targets } = parseConfig(written, { file: 'perdure.yaml', env, base }).config;
      expect(targets).toEqual(configWith(fromEnvironment(env).targets, base).targets);
    },
  );

  test('L9: no secret is in it', () => {
    expect(refused('', env)).not.toMatch(/secret|hidden/);
  });
});

test('where nothing would be found in the environment, a form is shown, and what a start without a file looks for', () => {
  for (const env of [{}, { OPENAI_API_KEY: '' }, { AZURE_OPENAI_API_KEY: 'azure-secret-two' }]) {
    const message = refused('', env);
    expect(message).toMatch(
      /^perdure\.yaml:1:1: error: targets: is required: with a file, only what it names is used\./,
    );
    expect(message).toContain('\ntargets:\n  - {id: NAME, vendor: openai,');
    expect(message).toContain('Without a file, "perdure up" takes what OPENAI_API_KEY,');
  }
});

test('of targets that are there, or are no list, nothing of it is said', () => {
  expect(refused('targets: 5\n', OPENAI)).toBe('perdure.yaml:1:1: error: targets: must be a list, not a whole number');
  expect(refused('targets: [{id: a}]\n', OPENAI)).not.toContain('with a file');
});
