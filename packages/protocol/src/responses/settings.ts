/** Settings of a response that the request gives and every snapshot repeats. */
import type { JsonObject } from '../json.ts';
import type { InputItem } from './items.ts';

export type Metadata = { readonly [key: string]: string };

export type FunctionTool = {
  readonly type: 'function';
  readonly name: string;
  readonly description: string | null;
  /** A JSON schema. */
  readonly parameters: JsonObject | null;
  readonly strict: boolean | null;
};

/** A hosted or custom tool that this server does not have: skipped, with a note, so that clients made for others run. */
export type UnsupportedTool = {
  readonly type: string;
  readonly unsupported: true;
};

export type FunctionToolChoice = {
  readonly type: 'function';
  readonly name: string;
};
export type ToolChoiceMode = 'none' | 'auto' | 'required';
export type AllowedToolsChoice = {
  readonly type: 'allowed_tools';
  readonly mode: ToolChoiceMode;
  readonly tools: readonly FunctionToolChoice[];
};
export type ToolChoice = ToolChoiceMode | FunctionToolChoice | AllowedToolsChoice;

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
};

export type Truncation = 'auto' | 'disabled';
export type ServiceTier = 'auto' | 'default' | 'flex' | 'priority' | 'scale';
/** What `include` can ask for here; other values are taken and have no effect. */
export type Includable = 'reasoning.encrypted_content' | 'message.output_text.logprobs';

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
  readonly tools: readonly (FunctionTool | UnsupportedTool)[];
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
  /** Whether deltas may carry padding; default true in OpenAI's service, and never sent by this one. */
  readonly stream_options?: { readonly include_obfuscation: boolean };
  readonly safety_identifier?: string;
  readonly prompt_cache_key?: string;
  readonly user?: string;
};
