/** Where the models of the story are: at the clouds that the environment names, else at emulated ones. */
import type { Environment } from '../config/interpolate.ts';
import type { FileTarget } from '../config/file-form.ts';
import { fromEnvironment } from '../discover/environment.ts';
import { startEmulatedClouds } from '../emulated.ts';

/** The name by which the customers ask for the model. */
export const MODEL = 'gpt-5.5';
const EMULATED_MODEL = `${MODEL}-emulated`;

export interface Upstreams {
  /** One on Azure and one on AWS, and OpenAI's own if there is a key for it. Keys are references to the environment. */
  readonly targets: readonly FileTarget[];
  /** Clouds whose answers are made up. */
  readonly emulated: readonly string[];
  readonly notes: readonly string[];
  close(): Promise<void>;
}

const VENDOR = { vendor: 'openai', model: MODEL, jurisdiction: 'us' } as const;
/** Invented, as the note says: AWS is the cheaper one, so that a call on Azure is there by contract and not by price. */
const AZURE = {
  id: 'azure-gpt',
  cloud: 'azure',
  region: 'eastus',
  accelerator: 'gpu',
  ...VENDOR,
  prices: { input: 1.25, cached_input: 0.125, output: 10 },
};
const AWS = {
  id: 'aws-gpt',
  cloud: 'aws',
  region: 'us-east-1',
  accelerator: 'trainium',
  ...VENDOR,
  prices: { input: 1.1, cached_input: 0.11, output: 8.8 },
};
const OPENAI = {
  id: 'openai-gpt',
  cloud: 'openai',
  region: 'unspecified',
  ...VENDOR,
  prices: { input: 1.3, cached_input: 0.13, output: 10.4 },
};

export async function findUpstreams(env: Environment, onEnd: (why: string) => void): Promise<Upstreams> {
  const real = realTargets(env);
  const missing = ['azure', 'aws'].filter(cloud => !real.some(target => target.cloud === cloud));
  const clouds = missing.length === 0 ? null : await startEmulatedClouds(missing, onEnd);
  const emulated = [AZURE, AWS].flatMap((place): FileTarget[] => {
    const url = clouds?.clouds[place.cloud];
    return url === undefined ? [] : [{ ...place, upstream_model: EMULATED_MODEL, base_url: url }];
  });
  return {
    targets: [...real, ...emulated],
    emulated: missing,
    notes: notesOf(real, missing),
    close: async () => clouds?.close(),
  };
}

function realTargets(env: Environment): readonly FileTarget[] {
  const { targets } = fromEnvironment(env);
  const of = (cloud: string): FileTarget | undefined => targets.find(target => target.cloud === cloud);
  const [azure, openai] = [of('azure'), of('openai')];
  return [
    ...(azure === undefined
      ? []
      : [
          {
            ...AZURE,
            region: 'unspecified',
            upstream_model: azure.model,
            base_url: azure.base_url,
            api_key: '${AZURE_OPENAI_API_KEY}',
          },
        ]),
    ...bedrock(env),
    ...(openai === undefined
      ? []
      : [{ ...OPENAI, upstream_model: openai.model, base_url: openai.base_url, api_key: '${OPENAI_API_KEY}' }]),
  ];
}

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** Bedrock's OpenAI-compatible endpoint, with a Bedrock API key. A model must be named: which ones an account may use differs. */
function bedrock(env: Environment): readonly FileTarget[] {
  const { AWS_BEARER_TOKEN_BEDROCK: key, AWS_REGION: region = 'us-east-1', BEDROCK_MODEL: model } = env;
  if (!key || !model || !REGION.test(region)) return [];
  const base = env['BEDROCK_BASE_URL'] || `https://bedrock-mantle.${region}.api.aws/v1`;
  return [
    {
      ...AWS,
      region,
      dialect: 'openai-chat',
      upstream_model: model,
      base_url: base,
      api_key: '${AWS_BEARER_TOKEN_BEDROCK}',
    },
  ];
}

function notesOf(real: readonly FileTarget[], emulated: readonly string[]): readonly string[] {
  return [
    ...real.map(target => `${target.cloud}: ${target.upstream_model} at ${new URL(target.base_url).host}`),
    ...(emulated.length === 0
      ? []
      : [`${emulated.join(' and ')}: EMULATED. No models: they answer from what they are sent.`]),
  ];
}
