/** The `Provider` port over HTTP (DESIGN.md part 4, step 5). */
import type { Provider, ProviderCall } from '../engine/ports.ts';
import type { Step } from '../log/steps.ts';
import { cutAnswer, OutputCut, type OutputRules } from './cut-output.ts';
import { CutReader } from './cut-reader.ts';
import { EventsBody } from './events-body.ts';
import type { Dialect, DialectName, EncodedRequest } from './dialect.ts';
import { DEFAULT_PROVIDER_LIMITS, type ProviderLimits } from './limits.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';
import { providerError, unsent } from './provider-error.ts';
import { StepStream } from './step-stream.ts';
import { Connections } from './transport/connections.ts';
import { toolNameReader } from './tool-names.ts';
import { type AnswerType, Exchange } from './transport/exchange.ts';
import { readAnswer } from './whole-answer.ts';

export interface ProviderOptions {
  readonly dialect: DialectName;
  /** What is not given is as in `DEFAULT_PROVIDER_LIMITS`. */
  readonly limits?: Partial<ProviderLimits>;
  /** To share pools between dialects; then whoever made it closes it. */
  readonly connections?: Connections;
  /** `perdure/<version>` */
  readonly userAgent?: string;
}

const DIALECTS: { readonly [name in DialectName]: Dialect } = {
  'openai-responses': openaiResponses,
  'openai-chat': openaiChat,
};

/** JSON may write a byte of a setting as six (`\u003c`), where an upstream repeats it. */
const ECHO_FACTOR = 6;

export function makeProvider(options: ProviderOptions): Provider {
  const dialect = DIALECTS[options.dialect];
  const limits: ProviderLimits = { ...DEFAULT_PROVIDER_LIMITS, ...options.limits };
  const connections = options.connections ?? new Connections(limits);
  const userAgent = options.userAgent ?? 'perdure';

  /** Resolves at the first byte of the answer. */
  const ask = async (call: ProviderCall, request: EncodedRequest, accept: AnswerType): Promise<Exchange> => {
    const { upstream, signal } = call;
    const [route, headers] = prepared(() => [
      connections.route(upstream.baseUrl),
      headersFor(upstream.apiKey, accept, userAgent),
    ]);
    const path = `${route.pathname}${dialect.path}${route.search}`;
    const asked = { path, headers, body: request.body, signal, accept, secret: upstream.apiKey };
    const exchange = new Exchange(asked, limits);
    await exchange.open(route.origin);
    return exchange;
  };

  const send = async (call: ProviderCall, whole: boolean): Promise<[Exchange, EncodedRequest]> => {
    const { context, settings, upstream } = call;
    const accept = whole ? 'application/json' : 'text/event-stream';
    const request = prepared(() => dialect.encode(context, settings, upstream.model, { unsealed: false, whole }));
    try {
      return [await ask(call, request, accept), request];
    } catch (error) {
      if (!request.sealed || !isSealRefused(error)) throw error;
      // Another provider's seal. What is sealed is discardable (L1), nothing was begun: ask again without it.
      const without = prepared(() => dialect.encode(context, settings, upstream.model, { unsealed: true, whole }));
      return [await ask(call, without, accept), without];
    }
  };

  const rulesOf = ({ context, settings }: ProviderCall): OutputRules | null => {
    const rules = dialect.leftToDo(settings);
    return rules && { ...rules, inputTokens: () => dialect.estimate(context, settings) };
  };

  return {
    dialect: dialect.name,
    async call(call) {
      const [exchange, { settingsBytes }] = await send(call, false);
      const { requestId } = exchange;
      const toolName = toolNameReader(call.settings.tools);
      const maxEventBytes = limits.maxEventBytes + ECHO_FACTOR * settingsBytes;
      const rules = rulesOf(call);
      const all = dialect.reader(requestId, toolName);
      const reader = rules === null ? all : new CutReader(all, new OutputCut(rules, requestId));
      return new StepStream(exchange, new EventsBody(reader, maxEventBytes, requestId));
    },
    async answer(call): Promise<readonly Step[]> {
      const [exchange] = await send(call, true);
      const toolName = toolNameReader(call.settings.tools);
      const rules = rulesOf(call);
      return readAnswer(exchange, (answer, requestId) => {
        const steps = dialect.whole(answer, requestId, toolName);
        return rules === null ? steps : cutAnswer(steps, rules, requestId);
      });
    },
    estimateInput: dialect.estimate,
    close: () => (options.connections === undefined ? connections.close() : Promise.resolve()),
  };
}

/** What is done before anything is written. @throws what it throws, as unsent */
function prepared<Value>(work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw unsent(error);
  }
}

function headersFor(apiKey: string | null, accept: AnswerType, userAgent: string): string[] {
  const headers = ['content-type', 'application/json', 'accept', accept, 'user-agent', userAgent];
  if (apiKey === null) return headers;
  // Refused here, in our words: what a header refuses it may quote.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw providerError('upstream_credentials', 'The API key of this target holds characters that a header cannot.', {
      retryable: true,
    });
  }
  headers.push('authorization', `Bearer ${apiKey}`);
  return headers;
}

function isSealRefused(error: unknown): boolean {
  return error instanceof Error && 'upstreamCode' in error && error.upstreamCode === 'invalid_encrypted_content';
}
