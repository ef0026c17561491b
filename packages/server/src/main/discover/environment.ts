/** Targets that the environment names. Nobody is called: what a key can reach is found out by using it. */
import type { Environment } from '../config/interpolate.ts';
import type { FileTarget } from '../config/file-form.ts';

export interface Found {
  readonly targets: readonly FileTarget[];
  /** One line each, for the operator; never a key. */
  readonly notes: readonly string[];
}

/** Asked for where OPENAI_MODEL names none. */
const OPENAI_MODELS: readonly string[] = ['gpt-5.5', 'gpt-5.5-mini'];
/** Names that one variable may list. */
const MAX_NAMES = 32;

export function fromEnvironment(env: Environment): Found {
  const found = [openai(env), azure(env)];
  return { targets: found.flatMap(({ targets }) => targets), notes: found.flatMap(({ notes }) => notes) };
}

function openai(env: Environment): Found {
  const key = env['OPENAI_API_KEY'];
  if (!key) return { targets: [], notes: [] };
  const baseUrl = env['OPENAI_BASE_URL'] || 'https://api.openai.com/v1';
  if (!isHttp(baseUrl))
    return { targets: [], notes: ['OPENAI_BASE_URL is no http(s) URL: OPENAI_API_KEY is not used'] };
  const models = names(env['OPENAI_MODEL']) ?? OPENAI_MODELS;
  return {
    targets: models.map(model => ({
      id: `openai-${idOf(model)}`,
      vendor: 'openai',
      model,
      cloud: 'openai',
      region: 'unspecified',
      base_url: baseUrl,
      api_key: key,
    })),
    notes: [`OPENAI_API_KEY: ${models.join(', ')} at ${new URL(baseUrl).host} (OPENAI_MODEL names others)`],
  };
}

function azure(env: Environment): Found {
  const endpoint = env['AZURE_OPENAI_ENDPOINT'];
  const key = env['AZURE_OPENAI_API_KEY'];
  const deployments = names(env['AZURE_OPENAI_DEPLOYMENT']);
  if (!endpoint && !key) return { targets: [], notes: [] };
  const missing = Object.entries({
    AZURE_OPENAI_ENDPOINT: endpoint,
    AZURE_OPENAI_API_KEY: key,
    AZURE_OPENAI_DEPLOYMENT: deployments,
  })
    .filter(([, value]) => !value)
    .map(([name]) => name);
  if (!endpoint || !key || deployments === null) {
    return { targets: [], notes: [`Azure OpenAI is not used: ${missing.join(' and ')} not set`] };
  }
  if (!isHttp(endpoint)) return { targets: [], notes: ['AZURE_OPENAI_ENDPOINT is no http(s) URL: it is not used'] };
  return {
    targets: deployments.map(model => ({
      id: `azure-${idOf(model)}`,
      vendor: 'openai',
      model,
      cloud: 'azure',
      region: 'unspecified',
      base_url: azureBase(endpoint),
      api_key: key,
    })),
    notes: [`AZURE_OPENAI_*: ${deployments.join(', ')} at ${new URL(endpoint).host}`],
  };
}

/** The v1 API lies at /openai/v1 below the resource's endpoint. */
function azureBase(endpoint: string): string {
  const trimmed = endpoint.replace(/\/+$/, '');
  return trimmed.endsWith('/openai/v1') ? trimmed : `${trimmed.replace(/\/openai$/, '')}/openai/v1`;
}

function names(list: string | undefined): readonly string[] | null {
  const found = (list ?? '').split(',').flatMap(name => (name.trim() === '' ? [] : [name.trim()]));
  return found.length === 0 ? null : [...new Set(found)].slice(0, MAX_NAMES);
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) && !new URL(url).username;
}

/** A target's name from a model's. */
export function idOf(model: string): string {
  return (
    model
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 48) || 'model'
  );
}
