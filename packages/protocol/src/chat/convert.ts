/**
 * Between Chat Completions and items, so that one engine serves both dialects and a stored turn can run on an upstream that
 * speaks only Chat Completions. Pure; what one side cannot say is named where it is dropped.
 */
import type {
  AssistantMessage,
  InputItem,
  InputPart,
  ItemField,
  LogProb,
  NewItem,
  OutputPart,
} from '../responses/items.ts';
import type { ResponseResource, Usage } from '../responses/resource.ts';
import type { ClientTool, CreateResponse, NamedToolChoice, ToolChoice } from '../responses/settings.ts';
import { withBreakpoint } from '../responses/breakpoint-schema.ts';
import { flatName } from '../responses/namespaces.ts';
import { chatUsage, type ChatChoice, type ChatCompletion, type ChatHead, type FinishReason } from './completion.ts';
import type {
  ChatMessage,
  ChatRefusalPart,
  ChatRequest,
  ChatTextPart,
  ChatToolCall,
  ChatUserPart,
} from './messages.ts';

/** The messages as items. An assistant message with calls becomes a message, then one item per call. */
export function chatToItems(messages: readonly ChatMessage[]): readonly InputItem[] {
  // A tool message does not say what kind of call it answers.
  const custom = new Set<string>();
  return messages.flatMap((message): readonly InputItem[] => {
    switch (message.role) {
      case 'developer':
      case 'system': {
        const content = message.content.map(part => ({
          type: 'input_text' as const,
          text: part.text,
          ...withBreakpoint(part.prompt_cache_breakpoint),
        }));
        return [{ type: 'message', role: message.role, status: 'completed', content }];
      }
      case 'user':
        return [{ type: 'message', role: 'user', status: 'completed', content: message.content.map(inputPartOf) }];
      case 'assistant':
        for (const call of message.tool_calls) {
          if (call.type === 'custom') custom.add(call.id);
          else custom.delete(call.id);
        }
        return assistantItems(message.content, message.tool_calls);
      default: {
        const output = message.content.map(part => part.text).join('');
        const type = custom.has(message.tool_call_id) ? 'custom_tool_call_output' : 'function_call_output';
        return [{ type, call_id: message.tool_call_id, status: 'completed', output }];
      }
    }
  });
}

function inputPartOf(part: ChatUserPart): InputPart {
  const ends = withBreakpoint(part.prompt_cache_breakpoint);
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text, ...ends };
    case 'image_url':
      return { type: 'input_image', image_url: part.image_url.url, detail: part.image_url.detail ?? 'auto', ...ends };
    default:
      return { type: 'input_file', ...part.file, ...ends };
  }
}

function assistantItems(
  content: readonly (ChatTextPart | ChatRefusalPart)[],
  calls: readonly ChatToolCall[],
): InputItem[] {
  // Many clients send the text "" beside calls: as an item of its own it would be a message that nobody said.
  const said = calls.length === 0 ? content : content.filter(part => part.type !== 'text' || part.text !== '');
  const parts = said.map(
    (part): OutputPart => (part.type === 'text' ? { type: 'output_text', text: part.text, annotations: [] } : part),
  );
  const items: InputItem[] = calls.map(callItem);
  if (parts.length > 0) items.unshift({ type: 'message', role: 'assistant', status: 'completed', content: parts });
  return items;
}

function callItem(call: ChatToolCall): InputItem {
  if (call.type === 'custom') {
    const { name, input } = call.custom;
    return { type: 'custom_tool_call', call_id: call.id, name, input, status: 'completed' };
  }
  return {
    type: 'function_call',
    call_id: call.id,
    name: call.function.name,
    arguments: call.function.arguments,
    status: 'completed',
  };
}

/** The settings of a chat request under their Responses names, and those that only chat has. */
export type ChatSettings = Pick<CreateResponse, 'tools' | 'text' | 'metadata' | 'include' | 'stream'> &
  Partial<
    Pick<
      CreateResponse,
      | 'tool_choice'
      | 'parallel_tool_calls'
      | 'max_output_tokens'
      | 'temperature'
      | 'top_p'
      | 'presence_penalty'
      | 'frequency_penalty'
      | 'top_logprobs'
      | 'reasoning'
      | 'service_tier'
      | 'safety_identifier'
      | 'prompt_cache_key'
      | 'prompt_cache_options'
      | 'prompt_cache_retention'
      | 'stream_options'
      | 'user'
    >
  > & {
    readonly store: false;
    readonly stop: readonly string[];
    readonly seed?: number;
    readonly logit_bias?: { readonly [token: string]: number };
    readonly logprobs: boolean;
  };

export function settingsOfChat(request: ChatRequest): ChatSettings {
  const { model: _model, messages: _messages, include_usage: _usage, n: _n, ...rest } = request;
  const { reasoning_effort: effort, include_obfuscation: padded, ...kept } = rest;
  return {
    ...kept,
    store: false,
    include: request.logprobs ? ['message.output_text.logprobs'] : [],
    ...(effort !== undefined && { reasoning: { effort, summary: null } }),
    ...(padded && { stream_options: { include_obfuscation: true } }),
  };
}

/**
 * Items as messages, for an upstream that speaks only chat. Calls join the assistant message before them. Dropped, since
 * chat cannot say them: reasoning and compaction of another provider, images and files in a tool's output (named in words). Calls of
 * shells and patches become functions of their names.
 */
export function itemsToChat(items: readonly NewItem[]): readonly ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const item of items) {
    const call = chatCall(item);
    if (call !== null) {
      const last = messages.at(-1);
      if (last?.role === 'assistant')
        messages[messages.length - 1] = { ...last, tool_calls: [...last.tool_calls, call] };
      else messages.push({ role: 'assistant', content: [], tool_calls: [call] });
    } else if ('output' in item || item.type === 'apply_patch_call_output') {
      messages.push({
        role: 'tool',
        tool_call_id: item.call_id,
        content: [{ type: 'text', text: outputText(item) }],
      });
    } else if (item.type === 'message') {
      messages.push(messageOf(item));
    }
  }
  return messages;
}

/** The call that an item is, as chat writes it; null for other items. */
function chatCall(item: NewItem): ChatToolCall | null {
  switch (item.type) {
    case 'function_call':
      return {
        id: item.call_id,
        type: 'function',
        function: { name: flatName(item.name, item.namespace), arguments: item.arguments },
      };
    case 'custom_tool_call':
      return {
        id: item.call_id,
        type: 'custom',
        custom: { name: flatName(item.name, item.namespace), input: item.input },
      };
    case 'local_shell_call':
    case 'shell_call':
    case 'apply_patch_call': {
      const name = item.type.replace(/_call$/, '');
      const said = JSON.stringify(item.action ?? item.operation ?? {});
      return { id: item.call_id, type: 'function', function: { name, arguments: said } };
    }
    default:
      return null;
  }
}

function messageOf(item: Extract<NewItem, { type: 'message' }>): ChatMessage {
  switch (item.role) {
    case 'user':
      return { role: 'user', content: item.content.map(userPartOf) };
    case 'assistant':
      return {
        role: 'assistant',
        content: item.content.map(part => (part.type === 'refusal' ? part : { type: 'text', text: part.text })),
        tool_calls: [],
      };
    default:
      return { role: item.role, content: item.content.map(part => ({ type: 'text', text: part.text })) };
  }
}

function userPartOf(part: InputPart): ChatUserPart {
  switch (part.type) {
    case 'input_text':
      return { type: 'text', text: part.text };
    case 'input_image':
      return { type: 'image_url', image_url: { url: part.image_url ?? '', detail: part.detail } };
    default: {
      // Chat takes a file by its content only; an address is passed on in words rather than lost.
      const { filename, file_data, file_url, file_id } = part;
      if (file_id !== undefined)
        return { type: 'file', file: { ...(filename !== undefined && { filename }), file_id } };
      if (file_data === undefined) return { type: 'text', text: `[file at ${file_url ?? 'an unknown address'}]` };
      return { type: 'file', file: { ...(filename !== undefined && { filename }), file_data } };
    }
  }
}

type ToolOutput = Extract<NewItem, { type: `${string}_output` }>;

function outputText(item: ToolOutput): string {
  const { output } = item;
  if (typeof output === 'string') return output;
  if (output === undefined) return item.status;
  if (item.type !== 'function_call_output' && item.type !== 'custom_tool_call_output') return JSON.stringify(output);
  const parts = output as readonly InputPart[];
  return parts.map(part => (part.type === 'input_text' ? part.text : `[${part.type} left out]`)).join('');
}

/** A tool in chat's form. */
export function chatTool(tool: ClientTool): { readonly [key: string]: unknown } {
  if (tool.type === 'custom') {
    const { name, description, format } = tool;
    const { type, ...grammar } = format;
    const said = type === 'text' ? { type } : { type, grammar };
    return { type: 'custom', custom: { name, ...(description !== undefined && { description }), format: said } };
  }
  const { name, description, parameters, strict } = tool;
  return {
    type: 'function',
    function: {
      name,
      ...(description !== null && { description }),
      ...(parameters !== null && { parameters }),
      ...(strict !== null && { strict }),
    },
  };
}

/** A tool choice in chat's form. */
export function chatToolChoice(choice: ToolChoice): string | { readonly [key: string]: unknown } {
  if (typeof choice === 'string') return choice;
  const named = ({ type, name }: NamedToolChoice): { readonly [key: string]: unknown } => ({ type, [type]: { name } });
  if (choice.type !== 'allowed_tools') return named(choice);
  return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools: choice.tools.map(named) } };
}

/** Why an answer ended, from what it holds. `reason` is that of `incomplete_details`. */
export function finishReason(output: readonly ItemField[], reason: string | null): FinishReason {
  if (reason === 'content_filter') return 'content_filter';
  if (reason !== null) return 'length';
  return output.some(item => chatCall(item) !== null) ? 'tool_calls' : 'stop';
}

/** What a choice is made of. */
export type ChatAnswer = Pick<ResponseResource, 'output' | 'incomplete_details'> & { readonly usage: Usage };

/** The whole answer, from the items that the model made for each choice. */
export function chatCompletion(head: ChatHead, answers: readonly ChatAnswer[]): ChatCompletion {
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: answers.map(choiceOf),
    usage: chatUsage(answers.map(({ usage }) => usage)),
    service_tier: head.service_tier ?? 'default',
    system_fingerprint: null,
  };
}

function choiceOf(answer: ChatAnswer, index: number): ChatChoice {
  const parts = answer.output
    .filter((item): item is AssistantMessage => item.type === 'message' && item.role === 'assistant')
    .flatMap(item => item.content);
  const texts = parts.filter(part => part.type === 'output_text');
  const refusals = parts.filter(part => part.type === 'refusal').map(part => part.refusal);
  const logprobs: LogProb[] = texts.flatMap(part => part.logprobs ?? []);
  const calls = answer.output.map(chatCall).filter(call => call !== null);
  return {
    index,
    message: {
      role: 'assistant',
      content: texts.length > 0 ? texts.map(part => part.text).join('') : null,
      refusal: refusals.length > 0 ? refusals.join('') : null,
      annotations: [],
      ...(calls.length > 0 && { tool_calls: calls }),
    },
    logprobs: logprobs.length > 0 ? { content: logprobs, refusal: null } : null,
    finish_reason: finishReason(answer.output, answer.incomplete_details?.reason ?? null),
  };
}
