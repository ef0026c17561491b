/** Items: the units of context of Open Responses, in the full form in which the server stores and serves them. */
import type { JsonObject } from '../json.ts';

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';
export type ImageDetail = 'low' | 'high' | 'auto' | 'original';
/** Marks an assistant message as a passing remark or as the answer. Omitted, never null. */
export type Phase = 'commentary' | 'final_answer';

export type UrlCitation = {
  readonly type: 'url_citation';
  readonly url: string;
  readonly title: string;
  readonly start_index: number;
  readonly end_index: number;
};

export type TopLogProb = {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
};
export type LogProb = TopLogProb & {
  readonly top_logprobs: readonly TopLogProb[];
};

/** The prompt's cache may end with the part that has it. */
export type CacheBreakpoint = { readonly mode: 'explicit'; readonly ttl?: '30m' | '12h' };

export type InputText = {
  readonly type: 'input_text';
  readonly text: string;
  readonly prompt_cache_breakpoint?: CacheBreakpoint;
};
export type InputImage = {
  readonly type: 'input_image';
  readonly image_url: string | null;
  readonly detail: ImageDetail;
  /** An image that was uploaded; then `image_url` is null. */
  readonly file_id?: string;
  readonly prompt_cache_breakpoint?: CacheBreakpoint;
};
/** A file by its content (a data URL or base64), by its address or by the id of its upload; exactly one of the three. */
export type InputFile = {
  readonly type: 'input_file';
  readonly filename?: string;
  readonly file_data?: string;
  readonly file_url?: string;
  readonly file_id?: string;
  readonly prompt_cache_breakpoint?: CacheBreakpoint;
};
export type OutputText = {
  readonly type: 'output_text';
  readonly text: string;
  readonly annotations: readonly UrlCitation[];
  readonly logprobs?: readonly LogProb[];
};
export type Refusal = {
  readonly type: 'refusal';
  readonly refusal: string;
};
export type SummaryText = {
  readonly type: 'summary_text';
  readonly text: string;
};
export type ReasoningText = {
  readonly type: 'reasoning_text';
  readonly text: string;
};

export type InputPart = InputText | InputImage | InputFile;
export type OutputPart = OutputText | Refusal;
/** A part that stream events carry. */
export type ContentPart = InputPart | OutputPart | SummaryText | ReasoningText;

type MessageBase = {
  readonly type: 'message';
  readonly id: string;
  readonly status: ItemStatus;
};
export type UserMessage = MessageBase & {
  readonly role: 'user';
  readonly content: readonly InputPart[];
};
export type InstructionMessage = MessageBase & {
  readonly role: 'system' | 'developer';
  readonly content: readonly InputText[];
};
export type AssistantMessage = MessageBase & {
  readonly role: 'assistant';
  readonly content: readonly OutputPart[];
  readonly phase?: Phase;
};
export type Message = UserMessage | InstructionMessage | AssistantMessage;

export type FunctionCall = {
  readonly type: 'function_call';
  readonly id: string;
  readonly call_id: string;
  readonly name: string;
  /** The namespace that the tool is in. Omitted, never null. */
  readonly namespace?: string;
  /** JSON as the model wrote it: perhaps not valid. */
  readonly arguments: string;
  readonly status: ItemStatus;
};
export type FunctionCallOutput = {
  readonly type: 'function_call_output';
  readonly id: string;
  readonly call_id: string;
  readonly output: string | readonly InputPart[];
  readonly status: ItemStatus;
};
/** A call of a custom tool: its input is one text. */
export type CustomToolCall = {
  readonly type: 'custom_tool_call';
  readonly id: string;
  readonly call_id: string;
  readonly name: string;
  /** The namespace that the tool is in. Omitted, never null. */
  readonly namespace?: string;
  readonly input: string;
  readonly status: ItemStatus;
};
export type CustomToolCallOutput = {
  readonly type: 'custom_tool_call_output';
  readonly id: string;
  readonly call_id: string;
  readonly output: string | readonly InputPart[];
  readonly status: ItemStatus;
};
/**
 * Calls of tools that clients run under kinds of their own (shells, patches). This server has no such tool to offer: it takes them
 * as history, from clients that come from elsewhere.
 */
export type LocalCall = {
  readonly type: 'local_shell_call' | 'shell_call' | 'apply_patch_call';
  readonly id: string;
  readonly call_id: string;
  /** What is to be run (shells). */
  readonly action?: JsonObject;
  /** What is to be changed (patches). */
  readonly operation?: JsonObject;
  readonly status: ItemStatus;
};
export type LocalCallOutput = {
  readonly type: 'local_shell_call_output' | 'shell_call_output' | 'apply_patch_call_output';
  readonly id: string;
  readonly call_id: string;
  readonly output?: string | readonly JsonObject[];
  readonly max_output_length?: number;
  readonly status: ItemStatus | 'failed';
};
export type ReasoningItem = {
  readonly type: 'reasoning';
  readonly id: string;
  readonly summary: readonly SummaryText[];
  readonly content?: readonly ReasoningText[];
  /** Opaque, of one provider. Omitted, never null. */
  readonly encrypted_content?: string;
  readonly status: ItemStatus;
};
export type CompactionItem = {
  readonly type: 'compaction';
  readonly id: string;
  readonly encrypted_content: string;
  readonly status: ItemStatus;
};

/** An item as served: each has an id and a status. */
export type ItemField =
  | Message
  | FunctionCall
  | FunctionCallOutput
  | CustomToolCall
  | CustomToolCallOutput
  | LocalCall
  | LocalCallOutput
  | ReasoningItem
  | CompactionItem;

/** Points at an item that the server holds. It is resolved before the turn starts and never stored as such. */
export type ItemReference = {
  readonly type: 'item_reference';
  readonly id: string;
};

/** Takes the need for an id away from each member of a union. */
type WithOptionalId<Item> = Item extends { readonly id: string } ? Omit<Item, 'id'> & { readonly id?: string } : never;

/** An item that a client gave, normalised: contents are lists of parts, a status is set. It may still lack an id. */
export type NewItem = WithOptionalId<ItemField>;
export type InputItem = NewItem | ItemReference;

/** The last item of a request that asks for its context to be compacted. A signal: it is never stored. */
export type CompactionTrigger = { readonly type: 'compaction_trigger' };
