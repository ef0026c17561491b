/** The `Provider` port over HTTP (DESIGN.md part 4, step 5). */
import type { Provider, ProviderCall } from '../engine/ports.ts';
import { EventsBody, WholeBody } from './answer-body.ts';
import type { Dialect, DialectName, EncodedRequest } from './dialect.ts';
import { DEFAULT_PROVIDER_LIMITS, type ProviderLimits } from './limits.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';
import { providerError } from './provider-error.ts';
import { StepStream } from './step-stream.ts';
import { Connections } from './transport/connections.ts';
import { type AnswerType, Exchange } from './transport/exchange.ts';

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

  const send = async (call: ProviderCall, request: EncodedRequest): Promise<StepStream> => {
    const { upstream, signal, whole = false } = call;
    const accept = whole ? 'application/json' : 'text/event-stream';
    const route = connections.route(upstream.baseUrl);
    const exchange = new Exchange(
      {
        path: `${route.pathname}${dialect.path}${route.search}`,
        headers: headersFor(upstream.apiKey, accept, userAgent),
        body: request.body,
        signal,
        accept,
        secret: upstream.apiKey,
      },
      limits,
    );
    await exchange.open(route.origin);
    const { requestId } = exchange;
    if (whole) return new StepStream(exchange, new WholeBody(dialect.whole, requestId));
    const maxEventBytes = limits.maxEventBytes + ECHO_FACTOR * request.settingsBytes;
    return new StepStream(exchange, new EventsBody(dialect.reader(requestId), maxEventBytes, requestId));
  };

  return {
    dialect: dialect.name,
    async call(call) {
      const { context, settings, upstream, whole = false } = call;
      const request = dialect.encode(context, settings, upstream.model, { unsealed: false, whole });
      try {
        return await send(call, request);
      } catch (error) {
        if (!request.sealed || !isSealRefused(error)) throw error;
        // Another provider's seal. What is sealed is discardable (L1), nothing was begun: ask again without it.
        return send(call, dialect.encode(context, settings, upstream.model, { unsealed: true, whole }));
      }
    },
    estimateInput: dialect.estimate,
    close: () => (options.connections === undefined ? connections.close() : Promise.resolve()),
  };
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
