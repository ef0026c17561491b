/** A request's settings: what is stored of them, and what an upstream is sent. */
import { type CreateResponse, isFunctionTool } from '@perdure/protocol';
import type { Json, JsonObject } from '../log/events.ts';
import type { CallSettings, FunctionTool } from './ports.ts';

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
] as const satisfies readonly (keyof CreateResponse)[];

export function storedSettings(request: CreateResponse): JsonObject {
  const kept: { [name: string]: Json } = {};
  for (const name of KEPT) {
    const value = request[name];
    if (value !== undefined) kept[name] = value;
  }
  if (request.text.format.type !== 'text' || request.text.verbosity !== undefined) kept['text'] = request.text;
  if (Object.keys(request.metadata).length > 0) kept['metadata'] = request.metadata;
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
  return { settings, tools: functionTools(request) as unknown as Json, instructions: request.instructions ?? null };
}

export function functionTools(request: CreateResponse): readonly FunctionTool[] {
  return request.tools.filter(isFunctionTool);
}

/** What shapes the upstream call, from what was stored: a recovered turn asks for the same. */
export function callSettings(settings: JsonObject, tools: Json, instructions: string | null): CallSettings {
  const number = (name: string): number | undefined =>
    typeof settings[name] === 'number' ? settings[name] : undefined;
  const text = (name: string): string | undefined => (typeof settings[name] === 'string' ? settings[name] : undefined);
  const parallel = settings['parallel_tool_calls'];
  return defined({
    instructions: instructions ?? undefined,
    // Written by `functionTools` from a parsed request.
    tools: Array.isArray(tools) && tools.length > 0 ? (tools as unknown as readonly FunctionTool[]) : undefined,
    toolChoice: settings['tool_choice'],
    parallelToolCalls: typeof parallel === 'boolean' ? parallel : undefined,
    text: settings['text'],
    reasoning: settings['reasoning'],
    temperature: number('temperature'),
    topP: number('top_p'),
    presencePenalty: number('presence_penalty'),
    frequencyPenalty: number('frequency_penalty'),
    topLogprobs: number('top_logprobs'),
    maxOutputTokens: number('max_output_tokens'),
    serviceTier: text('service_tier'),
    promptCacheKey: text('prompt_cache_key'),
    safetyIdentifier: text('safety_identifier'),
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops what is undefined: absent and undefined differ under exactOptionalPropertyTypes, and on the wire. */
export function defined<T extends object>(value: T): Defined<T> {
  const kept: { [name: string]: unknown } = {};
  for (const [name, one] of Object.entries(value)) if (one !== undefined) kept[name] = one;
  return kept as Defined<T>;
}
