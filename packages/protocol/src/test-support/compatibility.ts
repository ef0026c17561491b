/**
 * For tests only: what becomes of everything that OpenAI's clients can send. docs/compatibility.md is written from these tables, and each row
 * is tried on the schemas.
 */
import type { ErrorCode } from '../errors.ts';

/**
 * `taken`: it does what OpenAI's service says. `passed on`: the target decides. `no effect`: taken and ignored. `refused`: an error.
 * `skipped`: left out, and told of in `perdure-skipped-tools`.
 */
export type Effect = 'taken' | 'passed on' | 'no effect' | 'refused' | 'skipped';

export interface Row {
  readonly name: string;
  readonly effect: Effect;
  readonly code?: ErrorCode;
  readonly note: string;
  /** A value to try. */
  readonly example: unknown;
}

const row = (name: string, effect: Effect, example: unknown, note = ''): Row => ({ name, effect, example, note });
const refused = (name: string, code: ErrorCode, example: unknown, note: string): Row => ({
  name,
  effect: 'refused',
  code,
  example,
  note,
});

const tool = { type: 'function', name: 'f' };

const PENALTY =
  '0, the default, is not sent to a Responses target; others are, and OpenAI’s service refuses them: `upstream_invalid_request`';
const CACHE_OPTIONS =
  '`mode` and `ttl`; over a WebSocket `prewarm` is a warm-up; the rest has no effect. A Chat Completions target is not sent `explicit`, nor the breakpoints on parts';

export const RESPONSE_FIELDS: readonly Row[] = [
  row('access_programs', 'no effect', { cyber: 'standard' }),
  row('background', 'taken', true),
  row('context_management', 'taken', [{ type: 'compaction' }], '[compaction](compaction.md)'),
  row('conversation', 'taken', 'conv_1', 'not with `previous_response_id`'),
  row('image', 'no effect', { context_compression: 'auto' }),
  row('include', 'taken', ['reasoning.encrypted_content'], 'see below'),
  row('input', 'taken', 'y', 'kinds of items: see below'),
  row('instructions', 'taken', 'x', 'never inherited'),
  row('max_output_tokens', 'passed on', 16),
  row(
    'max_tool_calls',
    'taken',
    1,
    '1 to 10,000, repeated in the response: it counts calls of hosted tools, and there are none',
  ),
  row('metadata', 'taken', { a: 'b' }),
  row('model', 'taken', 'n'),
  refused('moderation', 'unsupported_parameter', { model: 'm' }, 'ignoring it would answer what was to be blocked'),
  row('parallel_tool_calls', 'passed on', false),
  row('previous_response_id', 'taken', 'resp_1'),
  row('prompt', 'taken', { id: 'p' }, 'of the configuration: [prompts](prompts.md)'),
  row('prompt_cache_key', 'passed on', 'k'),
  row('prompt_cache_options', 'passed on', { mode: 'explicit' }, CACHE_OPTIONS),
  row('prompt_cache_retention', 'passed on', '24h'),
  row(
    'reasoning',
    'passed on',
    { effort: 'low' },
    '`effort`, `summary` (also as `generate_summary`), `context`, `mode`; a Chat Completions target gets the effort',
  ),
  row('safety_identifier', 'passed on', 's'),
  row('service_tier', 'passed on', 'flex', 'the response says the tier that was used'),
  row('store', 'taken', false),
  row('stream', 'taken', true),
  row(
    'stream_options',
    'taken',
    { include_obfuscation: true },
    '`include_obfuscation` pads only if it is `true`; see below',
  ),
  row('temperature', 'passed on', 0.5),
  row(
    'text',
    'passed on',
    { verbosity: 'low' },
    '`format` (`text`, `json_object`, `json_schema`; the last without name and schema is any object) and `verbosity`',
  ),
  row(
    'tool_choice',
    'passed on',
    'none',
    '`none`, `auto`, `required`, a function, a custom tool, `allowed_tools`; another kind is refused, `unsupported_parameter`',
  ),
  row('tools', 'passed on', [tool], 'see below'),
  row('top_logprobs', 'passed on', 1, 'shown with `include`'),
  row('top_p', 'passed on', 0.5),
  row('truncation', 'taken', 'auto'),
  row('user', 'taken', 'u', 'repeated in the response, not passed on'),
];

export const CHAT_FIELDS: readonly Row[] = [
  row('messages', 'taken', [{ role: 'user', content: 'y' }], '`name` has no effect; the role `function` is refused'),
  row('model', 'taken', 'n'),
  refused('audio', 'unsupported_parameter', { voice: 'v', format: 'wav' }, 'this server does not speak'),
  row('frequency_penalty', 'passed on', 0.5, PENALTY),
  refused('function_call', 'unsupported_parameter', 'auto', 'the old form of `tool_choice`'),
  refused('functions', 'unsupported_parameter', [], 'the old form of `tools`'),
  row(
    'logit_bias',
    'passed on',
    { '1': 1 },
    'at most 1,024 tokens; a Responses target cannot: `upstream_invalid_request`',
  ),
  row('logprobs', 'passed on', true),
  row(
    'max_completion_tokens',
    'passed on',
    5,
    'below 16 this server ends the answer for a Responses target; see below',
  ),
  row('max_tokens', 'passed on', 5, 'the old name of `max_completion_tokens`'),
  row('metadata', 'taken', { a: 'b' }, 'kept nowhere'),
  refused('modalities', 'unsupported_parameter', ['text', 'audio'], '`["text"]` is taken'),
  refused('moderation', 'unsupported_parameter', { model: 'm' }, 'ignoring it would answer what was to be blocked'),
  row('n', 'taken', 2, 'at most 8; see below'),
  row('parallel_tool_calls', 'passed on', false),
  row('prediction', 'no effect', { type: 'content', content: 'x' }, 'it only makes answers faster'),
  row('presence_penalty', 'passed on', 0.5, PENALTY),
  row('prompt_cache_key', 'passed on', 'k'),
  row('prompt_cache_options', 'passed on', { mode: 'explicit' }, CACHE_OPTIONS),
  row('prompt_cache_retention', 'passed on', '24h'),
  row('reasoning_effort', 'passed on', 'low'),
  row('response_format', 'passed on', { type: 'json_object' }),
  row('safety_identifier', 'passed on', 's'),
  row('seed', 'passed on', 1, 'a Responses target knows none: it has no effect there'),
  row('service_tier', 'passed on', 'flex', 'the answer says the tier that was used'),
  row('stop', 'passed on', 'x', 'for a Responses target this server ends the answer; see below'),
  row('store', 'no effect', true, 'chat completions are stored nowhere'),
  row('stream', 'taken', true),
  row('stream_options', 'taken', { include_usage: true }, '`include_usage`, `include_obfuscation`'),
  row('temperature', 'passed on', 0.5),
  row('tool_choice', 'passed on', 'none', 'the forms of `POST /v1/responses`, in the words of chat'),
  row(
    'tools',
    'passed on',
    [{ type: 'function', function: { name: 'f' } }],
    'functions and custom tools; others are skipped',
  ),
  row('top_logprobs', 'passed on', 1, 'needs `logprobs`'),
  row('top_p', 'passed on', 0.5),
  row('user', 'no effect', 'u'),
  row('verbosity', 'passed on', 'low'),
  refused('web_search_options', 'unsupported_parameter', {}, 'this server has no web search of its own'),
];

const hosted = (name: string, note = ''): Row => row(name, 'skipped', { type: name }, note);

export const TOOL_KINDS: readonly Row[] = [
  row('function', 'passed on', tool, '`defer_loading`, `async` and the like have no effect'),
  row(
    'custom',
    'passed on',
    { type: 'custom', name: 'c' },
    'with `format` `text` or `grammar` (at most 262,144 characters)',
  ),
  row(
    'namespace',
    'passed on',
    { type: 'namespace', name: 'n', description: '', tools: [tool] },
    'its functions and custom tools, which count as tools; see below',
  ),
  ...['apply_patch', 'code_interpreter', 'computer', 'computer_use_preview', 'file_search', 'image_generation'].map(
    name => hosted(name),
  ),
  ...['local_shell', 'mcp'].map(name => hosted(name)),
  ...['programmatic_tool_calling', 'shell', 'tool_search', 'web_search', 'web_search_preview'].map(name =>
    hosted(name),
  ),
];

const callId = 'c';
const unknown = (name: string): Row => refused(name, 'unsupported_content', { type: name, id: 'i' }, '');
const history = 'as history: a target is sent a function call of that name';

export const ITEM_KINDS: readonly Row[] = [
  row('message', 'taken', { type: 'message', role: 'user', content: 'x' }),
  row('function_call', 'taken', { type: 'function_call', call_id: callId, name: 'f', arguments: '{}' }),
  row(
    'function_call_output',
    'taken',
    { type: 'function_call_output', call_id: callId, output: '' },
    'must answer a call, by `call_id`',
  ),
  row('custom_tool_call', 'taken', { type: 'custom_tool_call', call_id: callId, name: 'f', input: '' }),
  row(
    'custom_tool_call_output',
    'taken',
    { type: 'custom_tool_call_output', call_id: callId, output: '' },
    'must answer a call, by `call_id`',
  ),
  row(
    'reasoning',
    'taken',
    { type: 'reasoning', summary: [] },
    'a hint: sent to targets that can take it, left out elsewhere',
  ),
  row('compaction', 'taken', { type: 'compaction', encrypted_content: 'x' }),
  row(
    'compaction_trigger',
    'taken',
    { type: 'compaction_trigger' },
    'a signal, never kept: [compaction](compaction.md)',
  ),
  row('item_reference', 'taken', { type: 'item_reference', id: 'i' }),
  row('local_shell_call', 'taken', { type: 'local_shell_call', call_id: callId, action: {} }, history),
  row('local_shell_call_output', 'taken', { type: 'local_shell_call_output', call_id: callId, output: '' }, history),
  row('shell_call', 'taken', { type: 'shell_call', call_id: callId, action: {} }, history),
  row('shell_call_output', 'taken', { type: 'shell_call_output', call_id: callId, output: [] }, history),
  row('apply_patch_call', 'taken', { type: 'apply_patch_call', call_id: callId, operation: {} }, history),
  row(
    'apply_patch_call_output',
    'taken',
    { type: 'apply_patch_call_output', call_id: callId, status: 'failed' },
    history,
  ),
  ...[
    'additional_tools',
    'code_interpreter_call',
    'computer_call',
    'computer_call_output',
    'configuration_update',
    'file_search_call',
    'image_generation_call',
    'mcp_approval_request',
    'mcp_approval_response',
    'mcp_call',
    'mcp_list_tools',
    'program',
    'program_output',
    'tool_search_call',
    'tool_search_output',
    'web_search_call',
  ].map(unknown),
];
