/** The response object, as every snapshot carries it: all 31 properties of Open Responses, always. */
import type { ItemField } from './items.ts';
import { offeredTools } from './namespaces.ts';
import type { ResponsePrompt } from './prompt.ts';
import type {
  CreateResponse,
  Metadata,
  OfferedTool,
  PromptCacheOptions,
  ReasoningSettings,
  TextSettings,
  ToolChoice,
  Truncation,
} from './settings.ts';

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'failed' | 'incomplete' | 'cancelled';

/** Tokens of all the calls that made the response. */
export type Usage = {
  readonly input_tokens: number;
  /** `cache_write_tokens` is absent where no call wrote to a cache, or no upstream said so. */
  readonly input_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens?: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
};

export type ResponseResource = {
  readonly id: string;
  readonly object: 'response';
  /** Seconds since 1970, as is `completed_at`. */
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly status: ResponseStatus;
  readonly incomplete_details: { readonly reason: string } | null;
  readonly model: string;
  readonly previous_response_id: string | null;
  readonly instructions: string | null;
  readonly output: readonly ItemField[];
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly tools: readonly OfferedTool[];
  readonly tool_choice: ToolChoice;
  readonly truncation: Truncation;
  readonly parallel_tool_calls: boolean;
  readonly text: TextSettings;
  readonly top_p: number;
  readonly presence_penalty: number;
  readonly frequency_penalty: number;
  readonly top_logprobs: number;
  readonly temperature: number;
  readonly reasoning: ReasoningSettings | null;
  readonly usage: Usage | null;
  readonly max_output_tokens: number | null;
  readonly max_tool_calls: number | null;
  readonly store: boolean;
  readonly background: boolean;
  readonly service_tier: string;
  readonly metadata: Metadata;
  readonly safety_identifier: string | null;
  readonly prompt_cache_key: string | null;
  /** OpenAI's additions, present only when the request gave them. */
  readonly prompt_cache_options?: PromptCacheOptions;
  readonly prompt_cache_retention?: string;
  readonly user?: string;
  readonly prompt?: ResponsePrompt;
  /** OpenAI's addition; present only when the response belongs to a conversation. */
  readonly conversation?: { readonly id: string };
};

/** The property names that Open Responses requires. */
export const RESPONSE_PROPERTIES: readonly Exclude<
  keyof ResponseResource,
  'conversation' | 'prompt' | 'prompt_cache_options' | 'prompt_cache_retention' | 'user'
>[] = [
  'id',
  'object',
  'created_at',
  'completed_at',
  'status',
  'incomplete_details',
  'model',
  'previous_response_id',
  'instructions',
  'output',
  'error',
  'tools',
  'tool_choice',
  'truncation',
  'parallel_tool_calls',
  'text',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'top_logprobs',
  'temperature',
  'reasoning',
  'usage',
  'max_output_tokens',
  'max_tool_calls',
  'store',
  'background',
  'service_tier',
  'metadata',
  'safety_identifier',
  'prompt_cache_key',
];

type Always = 'id' | 'created_at' | 'status' | 'model';
/** What a builder must know, and anything else that it does. */
export type ResponseParts = Pick<ResponseResource, Always> & Partial<Omit<ResponseResource, Always | 'object'>>;

/** Completes a response with the documented defaults, so that no snapshot lacks a property. */
export function responseResource(parts: ResponseParts): ResponseResource {
  return {
    id: parts.id,
    object: 'response',
    created_at: parts.created_at,
    completed_at: parts.completed_at ?? null,
    status: parts.status,
    incomplete_details: parts.incomplete_details ?? null,
    model: parts.model,
    previous_response_id: parts.previous_response_id ?? null,
    instructions: parts.instructions ?? null,
    output: parts.output ?? [],
    error: parts.error ?? null,
    tools: parts.tools ?? [],
    tool_choice: parts.tool_choice ?? 'auto',
    truncation: parts.truncation ?? 'disabled',
    parallel_tool_calls: parts.parallel_tool_calls ?? true,
    text: parts.text ?? { format: { type: 'text' } },
    top_p: parts.top_p ?? 1,
    presence_penalty: parts.presence_penalty ?? 0,
    frequency_penalty: parts.frequency_penalty ?? 0,
    top_logprobs: parts.top_logprobs ?? 0,
    temperature: parts.temperature ?? 1,
    reasoning: parts.reasoning ?? null,
    usage: parts.usage ?? null,
    max_output_tokens: parts.max_output_tokens ?? null,
    max_tool_calls: parts.max_tool_calls ?? null,
    store: parts.store ?? true,
    background: parts.background ?? false,
    service_tier: parts.service_tier ?? 'default',
    metadata: parts.metadata ?? {},
    safety_identifier: parts.safety_identifier ?? null,
    prompt_cache_key: parts.prompt_cache_key ?? null,
    ...(parts.prompt_cache_options !== undefined && { prompt_cache_options: parts.prompt_cache_options }),
    ...(parts.prompt_cache_retention !== undefined && { prompt_cache_retention: parts.prompt_cache_retention }),
    ...(parts.user !== undefined && { user: parts.user }),
    ...(parts.prompt !== undefined && { prompt: parts.prompt }),
    ...(parts.conversation !== undefined && { conversation: parts.conversation }),
  };
}

/** What of a request its response repeats. Tools that were skipped are not repeated: the model never had them. */
export type ResponseEcho = Partial<
  Omit<ResponseResource, 'id' | 'object' | 'created_at' | 'status' | 'output' | 'model'>
> &
  Pick<ResponseResource, 'model'>;

export function echoOfRequest(request: CreateResponse): ResponseEcho {
  const {
    input: _input,
    prompt_items: _promptItems,
    include: _include,
    context_management: _contextManagement,
    compaction_trigger: _compactionTrigger,
    stream: _stream,
    stream_options: _streamOptions,
    conversation,
    tools,
    ...kept
  } = request;
  return {
    ...kept,
    tools: offeredTools(tools),
    ...(conversation !== undefined && { conversation: { id: conversation } }),
  };
}
