/** The body of `POST /responses`. Nothing is stored upstream: leaving state there would be a placement of state. */
import { LIMITS, type OfferedTool } from '@perdure/protocol';
import type { CallSettings, ContextRun } from '../../engine/ports.ts';
import type { OutputRules } from '../cut-output.ts';
import type { EncodedRequest, EncodeOptions } from '../dialect.ts';
import { jsonTokens } from '../estimate.ts';
import { isFields } from '../json.ts';
import { providerError } from '../provider-error.ts';
import { assemble, runCache, tokensOf } from '../run-cache.ts';
import { encodeItems } from './items.ts';
import { settingsMembers } from '../settings-members.ts';

const sealedToo = runCache(items => encodeItems(items, false));
const unsealedOnly = runCache(items => encodeItems(items, true));

export function encodeRequest(
  context: readonly ContextRun[],
  settings: CallSettings,
  model: string,
  { unsealed, whole }: EncodeOptions,
): EncodedRequest {
  if (settings.logitBias !== undefined) {
    const why = 'The target of this model speaks Responses, which knows no biases of tokens.';
    throw providerError('upstream_invalid_request', why, { param: 'logit_bias' });
  }
  const runs = context.map(unsealed ? unsealedOnly : sealedToo);
  const said = settingsJson(settings);
  const head = `{"model":${JSON.stringify(model)},"stream":${!whole},"store":false,${said}"input":[`;
  const body = assemble(head, runs, ']}');
  return { body, settingsBytes: Buffer.byteLength(said), sealed: runs.some(run => run.sealed) };
}

export function estimateRequest(context: readonly ContextRun[], settings: CallSettings): number {
  return jsonTokens(settingsJson(settings)) + tokensOf(context, () => context.map(sealedToo));
}

/** Stop texts have no counterpart here, and no answer is asked for that is shorter than the API's least. */
export function leftToDo({ stop = [], maxOutputTokens }: CallSettings): Pick<OutputRules, 'stop' | 'tokens'> | null {
  const tokens = maxOutputTokens !== undefined && maxOutputTokens < LIMITS.minOutputTokens ? maxOutputTokens : null;
  return stop.length === 0 && tokens === null ? null : { stop, tokens };
}

/** `seed` has no counterpart here and is a hint: it is left out. */
const settingsJson = settingsMembers(settings => ({
  instructions: settings.instructions,
  tools: settings.tools?.map(tool),
  tool_choice: toolChoice(settings.toolChoice),
  parallel_tool_calls: settings.parallelToolCalls,
  text: settings.text,
  reasoning: settings.reasoning,
  include: includeOf(settings),
  temperature: settings.temperature,
  top_p: settings.topP,
  presence_penalty: penalty(settings.presencePenalty),
  frequency_penalty: penalty(settings.frequencyPenalty),
  top_logprobs: settings.topLogprobs,
  max_output_tokens: settings.maxOutputTokens && Math.max(LIMITS.minOutputTokens, settings.maxOutputTokens),
  service_tier: settings.serviceTier,
  prompt_cache_key: settings.promptCacheKey,
  prompt_cache_options: settings.promptCacheOptions,
  prompt_cache_retention: settings.promptCacheRetention,
  safety_identifier: settings.safetyIdentifier,
}));

/** None is the default, which many clients say: OpenAI's service refuses the names, whatever the value. */
function penalty(given: number | undefined): number | undefined {
  return given === 0 ? undefined : given;
}

function tool(given: OfferedTool): object {
  const { type, name } = given;
  if (type === 'namespace') return { type, name, description: given.description, tools: given.tools.map(tool) };
  if (type === 'custom') {
    const { description, format } = given;
    return { type, name, ...(description !== undefined && { description }), format };
  }
  const { description, parameters, strict } = given;
  return { type, name, description, parameters, strict };
}

/** Upstreams know no tools of which none may be called: that is `none`. */
function toolChoice(choice: unknown): unknown {
  return isFields(choice) && choice['type'] === 'allowed_tools' && choice['mode'] === 'none' ? 'none' : choice;
}

/** Sealed reasoning only where it or reasoning was asked for: models that do not reason refuse to seal it. */
function includeOf({ reasoning, sealedReasoning, logprobs }: CallSettings): readonly string[] | undefined {
  const include = [
    ...(reasoning !== undefined || sealedReasoning ? ['reasoning.encrypted_content'] : []),
    ...(logprobs ? ['message.output_text.logprobs'] : []),
  ];
  return include.length === 0 ? undefined : include;
}
