/** Chat Completions: the request, normalised. Contents are lists of parts; tools and formats have their Responses form. */
import type { CacheBreakpoint, ImageDetail } from '../responses/items.ts';
import type {
  ClientTool,
  Metadata,
  PromptCacheOptions,
  ReasoningEffort,
  ServiceTier,
  TextSettings,
  ToolChoice,
  UnsupportedTool,
} from '../responses/settings.ts';

type Marked = { readonly prompt_cache_breakpoint?: CacheBreakpoint };
export type ChatTextPart = Marked & { readonly type: 'text'; readonly text: string };
export type ChatRefusalPart = { readonly type: 'refusal'; readonly refusal: string };
export type ChatImagePart = Marked & {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string; readonly detail?: ImageDetail };
};
export type ChatFilePart = Marked & {
  readonly type: 'file';
  /** By its content or by the id of its upload. */
  readonly file: { readonly filename?: string; readonly file_data?: string; readonly file_id?: string };
};
export type ChatUserPart = ChatTextPart | ChatImagePart | ChatFilePart;

export type ChatFunctionCall = {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
};
export type ChatCustomCall = {
  readonly id: string;
  readonly type: 'custom';
  readonly custom: { readonly name: string; readonly input: string };
};
export type ChatToolCall = ChatFunctionCall | ChatCustomCall;

export type ChatMessage =
  | { readonly role: 'developer' | 'system'; readonly content: readonly ChatTextPart[] }
  | { readonly role: 'user'; readonly content: readonly ChatUserPart[] }
  | {
      readonly role: 'assistant';
      /** Empty when the message only calls tools. */
      readonly content: readonly (ChatTextPart | ChatRefusalPart)[];
      readonly tool_calls: readonly ChatToolCall[];
    }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: readonly ChatTextPart[] };

/** A request to `POST /v1/chat/completions`. What the client left out or sent as null is absent. */
export type ChatRequest = {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly (ClientTool | UnsupportedTool)[];
  readonly tool_choice?: ToolChoice;
  readonly parallel_tool_calls?: boolean;
  /** From `response_format` and `verbosity`. */
  readonly text: TextSettings;
  readonly stream: boolean;
  /** How many answers are made. */
  readonly n: number;
  readonly include_usage: boolean;
  /** Whether chunks are padded: only if asked for. */
  readonly include_obfuscation: boolean;
  /** From `max_completion_tokens`, or from `max_tokens`, its older name. At least 1. */
  readonly max_output_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  readonly stop: readonly string[];
  readonly logit_bias?: { readonly [token: string]: number };
  readonly seed?: number;
  readonly logprobs: boolean;
  readonly top_logprobs?: number;
  readonly reasoning_effort?: ReasoningEffort;
  readonly metadata: Metadata;
  readonly service_tier?: ServiceTier;
  readonly safety_identifier?: string;
  readonly prompt_cache_key?: string;
  readonly prompt_cache_options?: PromptCacheOptions;
  readonly prompt_cache_retention?: 'in_memory' | '24h';
  readonly user?: string;
};
