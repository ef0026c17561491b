/** OpenAI-compatible servers on this machine: asked for their models, quickly. Nothing but loopback is ever probed. */
import type { FileTarget } from '../config/file-form.ts';
import { type Found, idOf } from './environment.ts';

export interface LocalServer {
  readonly name: string;
  readonly port: number;
}

/** Where such servers listen by default. */
export const LOCAL_SERVERS: readonly LocalServer[] = [
  { name: 'ollama', port: 11_434 },
  { name: 'vllm', port: 8_000 },
  { name: 'llama-cpp', port: 8_080 },
  { name: 'lm-studio', port: 1_234 },
];

/** For each server, its answer included, ms. */
const PROBE_MS = 300;
const MAX_MODELS = 32;
const MAX_ANSWER_BYTES = 1024 * 1024;

export async function fromLocalServers(servers: readonly LocalServer[] = LOCAL_SERVERS): Promise<Found> {
  const found = await Promise.all(servers.map(probe));
  return { targets: found.flatMap(({ targets }) => targets), notes: found.flatMap(({ notes }) => notes) };
}

async function probe({ name, port }: LocalServer): Promise<Found> {
  const base = `http://127.0.0.1:${port}/v1`;
  const models = await modelsAt(`${base}/models`);
  if (models.length === 0) return { targets: [], notes: [] };
  const ids = new Set<string>();
  const targets = models.flatMap((model): FileTarget[] => {
    const id = `${name}-${idOf(model)}`;
    if (ids.has(id)) return [];
    ids.add(id);
    return [{ id, vendor: 'local', model, cloud: 'local', region: 'local', dialect: 'openai-chat', base_url: base }];
  });
  return { targets, notes: [`${name} on port ${port}: ${models.join(', ')}`] };
}

/** Anything that is no list of models, or comes too late, is nobody. */
async function modelsAt(url: string): Promise<readonly string[]> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(PROBE_MS),
      redirect: 'error',
      headers: { accept: 'application/json' },
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return [];
    }
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MAX_ANSWER_BYTES) return [];
    }
    return modelNames(JSON.parse(text));
  } catch {
    return [];
  }
}

function modelNames(answer: unknown): readonly string[] {
  const data: unknown = typeof answer === 'object' && answer !== null && 'data' in answer ? answer.data : null;
  if (!Array.isArray(data)) return [];
  const names = data.flatMap((model: unknown) => {
    const id = typeof model === 'object' && model !== null && 'id' in model ? model.id : null;
    return typeof id === 'string' && id.length > 0 && id.length <= 256 ? [id] : [];
  });
  return [...new Set(names)].slice(0, MAX_MODELS);
}
