/** The body of `POST /chat/completions`. */
import { choiceName } from '@perdure/protocol';
import type { CallSettings, ContextRun } from '../../engine/ports.ts';
import type { LoggedItem } from '../../log/events.ts';
import type { EncodedRequest, EncodeOptions } from '../dialect.ts';
import { jsonTokens } from '../estimate.ts';
import { type Fields, fieldsIn, isFields, listIn, stringIn } from '../json.ts';
import { assemble, countImages, type EncodedRun, encodePieces, runCache, tokensOf } from '../run-cache.ts';
import { encodeMessages, endsJoinable, type Joint, opensJoined } from './messages.ts';
import { settingsMembers } from '../settings-members.ts';
import { type NamedTool, namedTools } from '../tool-names.ts';

const encodeItems = (items: readonly LoggedItem[]) => ({ json: encodeMessages(items), sealed: false });
const alone = runCache(encodeItems);

/** Runs across whose ends a message reaches, encoded together; kept by the last of them. */
interface Joined {
  readonly runs: readonly ContextRun[];
  readonly encoded: EncodedRun;
}

const together = new WeakMap<ContextRun, Joined>();

export function encodeRequest(
  context: readonly ContextRun[],
  settings: CallSettings,
  model: string,
  { whole }: Pick<EncodeOptions, 'whole'>,
): EncodedRequest {
  const said = settingsJson(settings);
  const stream = whole ? '"stream":false' : '"stream":true,"stream_options":{"include_usage":true}';
  const head = `{"model":${JSON.stringify(model)},${stream},"store":false,${said}"messages":[${instructionsJson(settings)}`;
  return { body: assemble(head, encodeRuns(context), ']}'), settingsBytes: Buffer.byteLength(said), sealed: false };
}

export function estimateRequest(context: readonly ContextRun[], settings: CallSettings): number {
  const said = settingsJson(settings) + instructionsJson(settings);
  return jsonTokens(said) + tokensOf(context, () => encodeRuns(context));
}

function encodeRuns(context: readonly ContextRun[]): readonly EncodedRun[] {
  const encoded: EncodedRun[] = [];
  let group: ContextRun[] = [];
  let joinable: Joint | null = null;
  for (const run of context) {
    const ends = endsJoinable(run.items);
    if (ends === undefined) continue;
    if (joinable === null || opensJoined(run.items) !== joinable) {
      if (group.length > 0) encoded.push(encodeGroup(group));
      group = [];
    }
    group.push(run);
    joinable = ends;
  }
  if (group.length > 0) encoded.push(encodeGroup(group));
  return encoded;
}

function encodeGroup(runs: readonly ContextRun[]): EncodedRun {
  const last = runs.at(-1) ?? { items: [] };
  if (runs.length <= 1) return alone(last);
  const known = together.get(last);
  if (
    known !== undefined &&
    known.runs.length === runs.length &&
    known.runs.every((run, index) => run === runs[index])
  ) {
    return known.encoded;
  }
  const items = runs.flatMap(run => run.items);
  const encoded = encodePieces(encodeItems(items), countImages(items));
  together.set(last, { runs, encoded });
  return encoded;
}

function instructionsJson({ instructions }: CallSettings): string {
  return instructions === undefined ? '' : JSON.stringify({ role: 'system', content: instructions });
}

const settingsJson = settingsMembers(settings => {
  const text = isFields(settings.text) ? settings.text : {};
  const reasoning = isFields(settings.reasoning) ? settings.reasoning : {};
  const named = namedTools(settings.tools ?? []);
  const tools = named.map(tool);
  return {
    // Upstreams refuse an empty list, and a choice among no tools.
    ...(tools.length > 0 && {
      tools,
      tool_choice: toolChoice(settings.toolChoice, named),
      parallel_tool_calls: settings.parallelToolCalls,
    }),
    response_format: responseFormat(fieldsIn(text, 'format')),
    verbosity: text['verbosity'] ?? undefined,
    reasoning_effort: reasoning['effort'] ?? undefined,
    temperature: settings.temperature,
    top_p: settings.topP,
    presence_penalty: settings.presencePenalty,
    frequency_penalty: settings.frequencyPenalty,
    ...((settings.logprobs ?? settings.topLogprobs !== undefined) && { logprobs: true }),
    top_logprobs: settings.topLogprobs,
    max_completion_tokens: settings.maxOutputTokens,
    stop: settings.stop,
    seed: settings.seed,
    logit_bias: settings.logitBias,
    service_tier: settings.serviceTier,
    prompt_cache_key: settings.promptCacheKey,
    prompt_cache_options: cacheOptions(settings.promptCacheOptions),
    prompt_cache_retention: settings.promptCacheRetention,
    safety_identifier: settings.safetyIdentifier,
  };
});

function tool({ tool: given, flat: name }: NamedTool): Fields {
  if (given.type === 'custom') {
    const { type, ...grammar } = given.format;
    const format = type === 'text' ? { type } : { type, grammar };
    return { type: 'custom', custom: { name, description: given.description, format } };
  }
  const { description, parameters, strict } = given;
  return {
    type: 'function',
    function: {
      name,
      description: description ?? undefined,
      parameters: parameters ?? undefined,
      strict: strict ?? undefined,
    },
  };
}

function toolChoice(choice: unknown, tools: readonly NamedTool[]): unknown {
  if (!isFields(choice)) return choice ?? undefined;
  if (choice['type'] !== 'allowed_tools') return chosen(choice, tools)[0];
  // Upstreams know no tools of which none may be called.
  if (choice['mode'] === 'none') return 'none';
  const allowed = listIn(choice, 'tools').flatMap(each => (isFields(each) ? chosen(each, tools) : []));
  return { type: 'allowed_tools', allowed_tools: { mode: choice['mode'] ?? 'auto', tools: allowed } };
}

/** Not every server knows marks on parts, so they are not sent; then no cache would be kept if they alone were to say where. */
function cacheOptions(options: unknown): Fields | undefined {
  const { mode, ...others } = isFields(options) ? options : {};
  const kept = mode === 'explicit' || mode === undefined ? others : { mode, ...others };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** What a choice names: a tool, or all of a namespace. */
function chosen(choice: Fields, tools: readonly NamedTool[]): readonly Fields[] {
  const name = stringIn(choice, 'name') ?? '';
  const meant = tools.filter(({ tool: one, namespace }) =>
    choice['type'] === 'namespace' ? namespace === name : choiceName(one.name, namespace) === name,
  );
  return meant.map(({ tool: { type }, flat }) => ({ type, [type]: { name: flat } }));
}

function responseFormat(format: Fields | null): Fields | undefined {
  if (format === null || format['type'] === 'text') return undefined;
  if (format['type'] !== 'json_schema') return { type: format['type'] };
  const { name, description, schema, strict } = format;
  return {
    type: 'json_schema',
    json_schema: { name, description: description ?? undefined, schema, strict: strict ?? undefined },
  };
}
