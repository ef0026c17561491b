/** Settings of a response that the request gives and every snapshot repeats. */
import type { JsonObject } from '../json.ts';
import type { InputItem } from './items.ts';
import type { RequestedTool } from './namespaces.ts';
import type { ResponsePrompt } from './prompt.ts';

export type Metadata = { readonly [key: string]: string };

export type FunctionTool = {
  readonly type: 'function';
  readonly name: string;
  readonly description: string | null;
  /** A JSON schema. */
  readonly parameters: JsonObject | null;
  readonly strict: boolean | null;
};

/** What a custom tool's input looks like: any text, or a text that a grammar accepts. */
export type CustomToolFormat =
  | { readonly type: 'text' }
  | { readonly type: 'grammar'; readonly syntax: 'lark' | 'regex'; readonly definition: string };

/** A tool that takes one text, not JSON arguments. */
export type CustomTool = {
  readonly type: 'custom';
  readonly name: string;
  /** Omitted, never null. */
  readonly description?: string;
  readonly format: CustomToolFormat;
};

/** A tool that the client runs, and the model is told of. */
export type ClientTool = FunctionTool | CustomTool;

/** Tools that are called by two names: that of the namespace, and their own in it. */
export type NamespaceTool = {
  readonly type: 'namespace';
  readonly name: string;
  readonly description: string;
  readonly tools: readonly ClientTool[];
};

/** What a model is told of. */
export type OfferedTool = ClientTool | NamespaceTool;

/** A hosted tool that this server does not have: skipped, with a note, so that clients made for others run. */
export type UnsupportedTool = {
  readonly type: string;
  readonly unsupported: true;
};

/** A tool in a namespace is named `namespace.name`. A namespace can only be allowed: it stands for its tools. */
export type NamedToolChoice = {
  readonly type: OfferedTool['type'];
  readonly name: string;
};
export type ToolChoiceMode = 'none' | 'auto' | 'required';
export type AllowedToolsChoice = {
  readonly type: 'allowed_tools';
  readonly mode: ToolChoiceMode;
  readonly tools: readonly NamedToolChoice[];
};
export type ToolChoice = ToolChoiceMode | NamedToolChoice | AllowedToolsChoice;

export type JsonSchemaFormat = {
  readonly type: 'json_schema';
  readonly name: string;
  readonly description: string | null;
  readonly schema: JsonObject;
  readonly strict: boolean;
};
export type TextFormat = { readonly type: 'text' } | { readonly type: 'json_object' } | JsonSchemaFormat;
export type Verbosity = 'low' | 'medium' | 'high';
export type TextSettings = {
  readonly format: TextFormat;
  /** Omitted, never null. */
  readonly verbosity?: Verbosity;
};

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';
export type ReasoningSummary = 'auto' | 'concise' | 'detailed';
export type ReasoningSettings = {
  readonly effort: ReasoningEffort | null;
  readonly summary: ReasoningSummary | null;
  /** Which reasoning of earlier turns the model is shown; omitted, never null. */
  readonly context?: 'auto' | 'current_turn' | 'all_turns';
  /** How the model reasons (`standard`, `pro`); omitted, never null. */
  readonly mode?: string;
};

export type Truncation = 'auto' | 'disabled';
export type ServiceTier = 'auto' | 'default' | 'flex' | 'priority' | 'scale' | 'fast' | 'ultrafast';
/** What `include` can ask for here; other values are taken and have no effect. */
export type Includable =
  | 'reasoning.encrypted_content'
  | 'message.output_text.logprobs'
  | 'message.input_image.image_url';
export type PromptCacheOptions = {
  readonly mode?: 'implicit' | 'explicit';
  readonly ttl?: '30m' | '12h';
};

/** When a context is compacted without being asked to: before a turn whose input would come to `compact_threshold` tokens. */
export type ContextManagement = {
  readonly type: 'compaction';
  /** Absent: the server's own threshold, if it knows the model's window. */
  readonly compact_threshold?: number;
};

/** A request to `POST /v1/responses`, normalised. What the client left out or sent as null is absent. */
export type CreateResponse = {
  readonly model: string;
  readonly input: readonly InputItem[];
  readonly instructions?: string;
  readonly previous_response_id?: string;
  /** The id of a conversation; never together with `previous_response_id`. */
  readonly conversation?: string;
  readonly tools: readonly RequestedTool[];
  readonly tool_choice?: ToolChoice;
  readonly parallel_tool_calls?: boolean;
  readonly max_tool_calls?: number;
  readonly max_output_tokens?: number;
  readonly text: TextSettings;
  readonly reasoning?: ReasoningSettings;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  readonly top_logprobs?: number;
  readonly truncation?: Truncation;
  readonly context_management?: readonly ContextManagement[];
  /** The input ended with a `compaction_trigger`. */
  readonly compaction_trigger?: true;
  readonly service_tier?: ServiceTier;
  readonly metadata: Metadata;
  readonly include: readonly Includable[];
  /** Default true. */
  readonly store: boolean;
  readonly stream: boolean;
  readonly background: boolean;
  /** Whether deltas are padded. OpenAI's service does it unless told not to; this one only if told to. */
  readonly stream_options?: { readonly include_obfuscation: boolean };
  readonly safety_identifier?: string;
  readonly prompt_cache_key?: string;
  readonly prompt_cache_options?: PromptCacheOptions;
  readonly prompt_cache_retention?: 'in_memory' | '24h';
  readonly user?: string;
  /** The template whose messages the input begins with. */
  readonly prompt?: ResponsePrompt;
  /** How many items of the input are its messages: they come first. */
  readonly prompt_items?: number;
};
