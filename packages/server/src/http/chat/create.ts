/** `POST /v1/chat/completions`: stateless, stored nowhere. */
import {
  chatCompletion,
  type ChatHead,
  chatToItems,
  type CreateResponse,
  parseChatRequest,
  settingsOfChat,
  skippedTools,
} from '@perdure/protocol';
import type { Step } from '../../log/steps.ts';
import { readJson } from '../body.ts';
import { inTime } from '../in-time.ts';
import { noteSkipped, sendJson, type Headers } from '../reply.ts';
import { readIdempotencyKey, readLabels } from '../request-headers.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { Choice, together } from './choice.ts';
import { streamChoices } from './stream.ts';

export async function createChatCompletion(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, res, caller, requestId } = exchange;
  const body = await readJson(req, deps.limits);
  const parsed = parseChatRequest(body.value);
  if (!parsed.ok) throw parsed.error;
  const chat = parsed.value;
  const { stop: stopTexts, seed, logit_bias: logitBias, logprobs: _logprobs, ...settings } = settingsOfChat(chat);
  const request: CreateResponse = {
    ...settings,
    model: chat.model,
    input: chatToItems(chat.messages),
    background: false,
  };
  noteSkipped(res, skippedTools(chat.tools));
  const extra = {
    ...(stopTexts.length > 0 && { stop: stopTexts }),
    ...(seed !== undefined && { seed }),
    ...(logitBias !== undefined && { logitBias }),
  };
  const key = readIdempotencyKey(req);
  const idempotency = key === null ? null : { key, body: body.bytes };
  const labels = readLabels(req);
  if (chat.n > 1) exchange.rated?.more(chat.n - 1);
  // What ends one choice ends the others.
  const stop = new AbortController();
  const begin = (signal: AbortSignal) => {
    const both = chat.n === 1 ? signal : AbortSignal.any([signal, stop.signal]);
    return deps.engine.choices({ caller, request, extra, labels, signal: both, idempotency }, chat.n);
  };
  const made = chat.stream
    ? (await begin(exchange.signal)).map(call => ({ call, steps: [] as readonly Step[] }))
    : await inTime(deps, exchange, async signal =>
        together(await begin(signal), stop, async call => ({ call, steps: await call.answer() })),
      );
  const calls = made.map(({ call }) => call);
  const [first] = calls;
  if (first === undefined) throw new Error('no choice was begun');
  const head: ChatHead = {
    id: `chatcmpl_${first.body}`,
    created: first.base.createdAt,
    model: chat.model,
    include_usage: chat.include_usage,
    service_tier: chat.service_tier === undefined || chat.service_tier === 'auto' ? 'default' : chat.service_tier,
  };
  const placements = calls.flatMap(({ placement }) => (placement === null ? [] : [placement]));
  const headers: Headers = {
    'x-request-id': requestId,
    ...(placements.length > 0 && { 'perdure-placement': placements.join(', ') }),
  };
  if (chat.stream) return streamChoices(deps, exchange, { calls, head, headers, stop });
  const answers = made.map(({ call, steps }) => {
    const choice = new Choice(call);
    for (const step of steps) choice.push(step);
    return choice;
  });
  const last = { ...head, ...answers[0]?.tier };
  sendJson(
    res,
    200,
    chatCompletion(
      last,
      answers.map(choice => choice.answer()),
    ),
    headers,
  );
}
