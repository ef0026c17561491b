/** Chat Completions: the answer, whole and in chunks. */
import type { LogProb } from '../responses/items.ts';
import type { Usage } from '../responses/resource.ts';
import type { ChatToolCall } from './messages.ts';

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export type ChatUsage = {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens?: number };
  readonly completion_tokens_details: { readonly reasoning_tokens: number };
};

export type ChatLogprobs = { readonly content: readonly LogProb[] | null; readonly refusal: readonly LogProb[] | null };

export type ChatChoice = {
  readonly index: number;
  readonly message: {
    readonly role: 'assistant';
    readonly content: string | null;
    readonly refusal: string | null;
    readonly annotations: readonly [];
    readonly tool_calls?: readonly ChatToolCall[];
  };
  readonly logprobs: ChatLogprobs | null;
  readonly finish_reason: FinishReason;
};

export type ChatCompletion = {
  readonly id: string;
  readonly object: 'chat.completion';
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChatChoice[];
  readonly usage: ChatUsage;
  readonly service_tier: string;
  readonly system_fingerprint: string | null;
};

export type ChatDelta = {
  readonly role?: 'assistant';
  readonly content?: string | null;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly {
    readonly index: number;
    readonly id?: string;
    readonly type?: 'function' | 'custom';
    readonly function?: { readonly name?: string; readonly arguments?: string };
    readonly custom?: { readonly name?: string; readonly input?: string };
  }[];
};

export type ChatChunk = {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  /** Empty only in the chunk that carries the usage. */
  readonly choices: readonly {
    readonly index: number;
    readonly delta: ChatDelta;
    readonly logprobs: ChatLogprobs | null;
    readonly finish_reason: FinishReason | null;
  }[];
  /** With `include_usage`: null in all chunks but the last. Otherwise absent. */
  readonly usage?: ChatUsage | null;
  /** Padding of a delta, if it was asked for. */
  readonly obfuscation?: string;
  readonly service_tier: string;
  readonly system_fingerprint: string | null;
};

/** What all chunks of one choice repeat. */
export type ChatHead = {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  /** Which choice they are of; absent: the first. */
  readonly choice?: number;
  readonly service_tier?: string;
  readonly include_usage?: boolean;
};

/**
 * What the choices of one answer used together, as OpenAI's service tells it: the prompt once, as the first choice was asked it, and what was made
 * for all of them. The meters count each choice's call with its own prompt.
 */
export function chatUsage(choices: readonly Usage[]): ChatUsage {
  const sum = (count: (usage: Usage) => number): number => choices.reduce((all, usage) => all + count(usage), 0);
  const prompt = choices[0]?.input_tokens ?? 0;
  const made = sum(usage => usage.output_tokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: made,
    total_tokens: prompt + made,
    prompt_tokens_details: { ...(choices[0]?.input_tokens_details ?? { cached_tokens: 0 }) },
    completion_tokens_details: { reasoning_tokens: sum(usage => usage.output_tokens_details.reasoning_tokens) },
  };
}

/** A chunk with a piece of the answer. The last of these carries the reason why it ended. */
export function chatChunk(
  head: ChatHead,
  delta: ChatDelta,
  finish: FinishReason | null = null,
  logprobs: ChatLogprobs | null = null,
): ChatChunk {
  return {
    ...chunkHead(head),
    choices: [{ index: head.choice ?? 0, delta, logprobs, finish_reason: finish }],
    ...usageOf(head, null),
  };
}

/** The chunk after the last piece, sent when the client asked for usage. */
export function chatUsageChunk(head: ChatHead, choices: readonly Usage[]): ChatChunk {
  return { ...chunkHead(head), choices: [], usage: chatUsage(choices) };
}

const usageOf = (head: ChatHead, usage: ChatUsage | null): { usage?: ChatUsage | null } =>
  head.include_usage === true ? { usage } : {};

function chunkHead(head: ChatHead): Omit<ChatChunk, 'choices' | 'usage'> {
  return {
    id: head.id,
    object: 'chat.completion.chunk',
    created: head.created,
    model: head.model,
    service_tier: head.service_tier ?? 'default',
    system_fingerprint: null,
  };
}
