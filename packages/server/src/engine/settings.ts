/** A request's settings: what is stored of them, and what an upstream is sent. */
import { type CreateResponse, type OfferedTool, offeredTools } from '@perdure/protocol';
import type { Json, JsonObject } from '../log/events.ts';
import { viewOf } from '../session/shown.ts';
import type { CallSettings } from './ports.ts';

/** The settings that a response repeats, in wire form. What was not given is not stored (L11): snapshots fill in the defaults. */
const KEPT = [
  'tool_choice',
  'parallel_tool_calls',
  'max_tool_calls',
  'max_output_tokens',
  'reasoning',
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'top_logprobs',
  'truncation',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'user',
  'prompt',
] as const satisfies readonly (keyof CreateResponse)[];

export function storedSettings(request: CreateResponse): JsonObject {
  const kept: { [name: string]: Json } = {};
  for (const name of KEPT) {
    const value = request[name];
    if (value !== undefined) kept[name] = value;
  }
  if (request.text.format.type !== 'text' || request.text.verbosity !== undefined) kept['text'] = request.text;
  if (Object.keys(request.metadata).length > 0) kept['metadata'] = request.metadata;
  // No response repeats these two: they say what its readers see.
  if (request.include.length > 0) kept['include'] = request.include;
  if (request.stream_options?.include_obfuscation === true) kept['stream_options'] = request.stream_options;
  return kept;
}

/** What a request says beside its items, as it is kept. */
export interface Sayings {
  readonly settings: JsonObject;
  readonly tools: Json;
  readonly instructions: string | null;
}

export function sayings(request: CreateResponse): Sayings {
  const settings = storedSettings(request);
  return { settings, tools: clientTools(request), instructions: request.instructions ?? null };
}

export function clientTools(request: CreateResponse): readonly OfferedTool[] {
  return offeredTools(request.tools);
}

/** What shapes the upstream call, from what was stored: a recovered turn asks for the same. */
export function callSettings(settings: JsonObject, tools: Json, instructions: string | null): CallSettings {
  const number = (name: string): number | undefined =>
    typeof settings[name] === 'number' ? settings[name] : undefined;
  const text = (name: string): string | undefined => (typeof settings[name] === 'string' ? settings[name] : undefined);
  const parallel = settings['parallel_tool_calls'];
  const { include } = viewOf(settings);
  return defined({
    instructions: instructions ?? undefined,
    // Written by `clientTools` from a parsed request.
    tools: Array.isArray(tools) && tools.length > 0 ? (tools as unknown as readonly OfferedTool[]) : undefined,
    toolChoice: settings['tool_choice'],
    parallelToolCalls: typeof parallel === 'boolean' ? parallel : undefined,
    text: settings['text'],
    reasoning: settings['reasoning'],
    temperature: number('temperature'),
    topP: number('top_p'),
    presencePenalty: number('presence_penalty'),
    frequencyPenalty: number('frequency_penalty'),
    topLogprobs: number('top_logprobs'),
    logprobs: include.includes('message.output_text.logprobs') || undefined,
    sealedReasoning: include.includes('reasoning.encrypted_content') || undefined,
    maxOutputTokens: number('max_output_tokens'),
    serviceTier: text('service_tier'),
    promptCacheKey: text('prompt_cache_key'),
    promptCacheOptions: settings['prompt_cache_options'],
    promptCacheRetention: text('prompt_cache_retention'),
    safetyIdentifier: text('safety_identifier'),
  });
}

/** The service tier that was used, where the request does not say it already: most turns need not keep it (L11). */
export function otherTier(settings: JsonObject, used: string | undefined): string | null {
  return used === undefined || used === (settings['service_tier'] ?? 'default') ? null : used;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops what is undefined: absent and undefined differ under exactOptionalPropertyTypes, and on the wire. */
export function defined<T extends object>(value: T): Defined<T> {
  const kept: { [name: string]: unknown } = {};
  for (const [name, one] of Object.entries(value)) if (one !== undefined) kept[name] = one;
  return kept as Defined<T>;
}
