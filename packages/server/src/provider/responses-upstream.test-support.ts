/** Raw upstreams that speak just enough of the Responses dialect. */
import type { Provider } from '../engine/ports.ts';
import type { ProviderLimits } from './limits.ts';
import { makeProvider, type ProviderOptions } from './make-provider.ts';
import { type Answer, EVENT_STREAM, type RawUpstream, rawUpstream } from './raw-upstream.test-support.ts';

export const ADDED: string = event({ type: 'response.output_item.added', output_index: 0, item: { type: 'message' } });
export const COMPLETED: string = event({ type: 'response.completed', response: { id: 'resp_1', status: 'completed' } });

export function event(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

export function delta(text: string): string {
  return event({ type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: text });
}

/** One short message. */
export const answered: Answer = response => response.writeHead(200, EVENT_STREAM).end(ADDED + delta('a') + COMPLETED);

/** Runs a test with an upstream and a provider; both are gone after it. */
export async function withUpstream(
  answer: Answer,
  limits: Partial<ProviderLimits>,
  use: (provider: Provider, upstream: RawUpstream) => Promise<void>,
  options: Partial<ProviderOptions> = {},
): Promise<void> {
  await through(await rawUpstream(answer), limits, use, options);
}

export async function through(
  upstream: RawUpstream,
  limits: Partial<ProviderLimits>,
  use: (provider: Provider, upstream: RawUpstream) => Promise<void>,
  options: Partial<ProviderOptions> = {},
): Promise<void> {
  const provider = makeProvider({ dialect: 'openai-responses', limits, ...options });
  try {
    await use(provider, upstream);
  } finally {
    await provider.close();
    await upstream[Symbol.asyncDispose]();
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}
