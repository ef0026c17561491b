import { expect, test } from 'vitest';
import { compareHost, placeOfHost } from './hosts.ts';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';

test.each([
  ['my-resource.openai.azure.com', 'azure', null],
  ['my-resource.openai.azure.us', 'azure', null],
  ['my-resource.services.ai.azure.com', 'azure', null],
  ['eastus2.api.cognitive.microsoft.com', 'azure', 'eastus2'],
  ['gpt.eastus2.models.ai.azure.com', 'azure', 'eastus2'],
  ['gateway.azure-api.net', 'azure', null],
  ['bedrock-runtime.us-east-1.amazonaws.com', 'aws', 'us-east-1'],
  ['bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'aws', 'us-gov-west-1'],
  ['bedrock-mantle.us-west-2.api.aws', 'aws', 'us-west-2'],
  ['vpce-0a-1b.bedrock-runtime.eu-west-1.vpce.amazonaws.com', 'aws', 'eu-west-1'],
  ['BEDROCK-RUNTIME.us-east-1.amazonaws.com.', 'aws', 'us-east-1'],
  ['us-central1-aiplatform.googleapis.com', 'gcp', 'us-central1'],
  ['aiplatform.europe-west4.rep.googleapis.com', 'gcp', 'europe-west4'],
  ['generativelanguage.googleapis.com', 'gcp', null],
])('%s is %s, %s', (host, cloud, region) => {
  expect(placeOfHost(host)).toEqual({ cloud, region });
});

test.each([
  'api.openai.com',
  'api.anthropic.com',
  '127.0.0.1',
  'localhost',
  'openai.azure.com.evil.example',
  'notamazonaws.com',
  'my-googleapis.com',
  'fakeopenai-azure.com',
  '',
])('%j says nothing', host => {
  expect(placeOfHost(host)).toBeNull();
  expect(compareHost(host, { cloud: 'aws', region: 'us-east-1' })).toEqual({ kind: 'unknown' });
});

test('cloud and region are compared, the region only where the name tells it, and without dashes', () => {
  const bedrock = 'bedrock-runtime.us-east-1.amazonaws.com';
  expect(compareHost(bedrock, { cloud: 'aws', region: 'us-east-1' })).toEqual({ kind: 'agrees' });
  expect(compareHost(bedrock, { cloud: 'AWS', region: 'useast1' })).toEqual({ kind: 'agrees' });
  expect(compareHost(bedrock, { cloud: 'aws', region: 'us-east-2' })).toEqual({
    kind: 'differs',
    field: 'region',
    found: 'us-east-1',
  });
  expect(compareHost(bedrock, { cloud: 'azure', region: 'us-east-1' })).toMatchObject({ field: 'cloud', found: 'aws' });
  expect(compareHost('x.openai.azure.com', { cloud: 'azure', region: 'anywhere' })).toEqual({ kind: 'agrees' });
});

function problemsOf(target: string): readonly string[] {
  const text = `targets:\n  - { id: t, vendor: openai, model: gpt, ${target} }\n`;
  const told = (list: readonly { level: string; path: string; message: string }[]) =>
    list.map(({ level, path, message }) => `${level} ${path}: ${message}`);
  try {
    return told(parseConfig(text, { file: 'f', env: {}, base: process.cwd() }).warnings);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return told(error.problems);
  }
}

test('a target whose host contradicts it is an error, unless it says that it knows', () => {
  const wrong = 'cloud: aws, region: us-east-1, base_url: "https://x.openai.azure.com/openai/v1"';
  expect(problemsOf(wrong)).toEqual([
    'error targets[0].cloud: x.openai.azure.com is at azure, not at aws: correct it, or say host_check: off if a proxy is behind that name',
  ]);
  expect(problemsOf(`${wrong}, host_check: off`)).toEqual([]);
  const region = 'cloud: aws, region: us-west-2, base_url: "https://bedrock-runtime.us-east-1.amazonaws.com"';
  expect(problemsOf(region)).toEqual([expect.stringContaining('is in us-east-1, not in us-west-2')]);
});

test('a host that agrees, one on this machine, and one that is not known are no mistake', () => {
  expect(problemsOf('cloud: azure, region: eastus2, base_url: "https://x.openai.azure.com/openai/v1"')).toEqual([]);
  expect(problemsOf('cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:9/v1"')).toEqual([]);
  expect(problemsOf('cloud: aws, region: us-east-1, base_url: "https://gateway.example/v1"')).toEqual([]);
});
