/** `traces` of perdure.yaml: what traces tell, and where they are sent. */
import * as z from 'zod';
import type { TracesConfig } from './config.ts';
import type { Maybe } from './file-form.ts';

export interface FileTraces {
  readonly content?: Maybe<boolean>;
  readonly otlp?: Maybe<{
    readonly url: string;
    readonly headers?: Maybe<{ readonly [name: string]: string }>;
    readonly interval_ms?: Maybe<number>;
    readonly timeout_ms?: Maybe<number>;
    readonly retry_ms?: Maybe<number>;
  }>;
}

const HEADERS = 32;
const [INTERVAL_MS, TIMEOUT_MS, RETRY_MS] = [1_000, 10_000, 1_000];
/** The exporter says these itself. */
const OWN: ReadonlySet<string> = new Set(['content-type', 'content-length', 'host', 'connection', 'transfer-encoding']);

const headers: z.ZodType<{ readonly [name: string]: string }> = z
  .record(
    z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/, 'must be a header name in lower case')
      .refine(name => !OWN.has(name), 'is said by the exporter itself'),
    z
      .string()
      .max(4_096)
      .regex(/^[\x20-\x7e]*$/, 'must hold printable ASCII only'),
  )
  .refine(all => Object.keys(all).length <= HEADERS, `must be at most ${HEADERS}`);

export const traces: z.ZodType<FileTraces> = z.strictObject({
  content: z.boolean().nullish().meta({
    description:
      'Whether prompts, answers, arguments and results are in traces. What is sent is not erased with the session. Default: false.',
  }),
  otlp: z
    .strictObject({
      url: z
        .string()
        .max(2_048)
        .superRefine((text, ctx) => {
          const problem = urlProblem(text);
          if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
        })
        .meta({ description: 'The whole address, as https://collector.example:4318/v1/traces.' }),
      headers: headers.nullish().meta({ description: 'Sent along. Write ${NAME} for what is secret.' }),
      interval_ms: z
        .int()
        .min(50)
        .max(3_600_000)
        .nullish()
        .meta({
          description: `Between two looks at the log, in ms. Default: ${INTERVAL_MS}.`,
        }),
      timeout_ms: z
        .int()
        .min(50)
        .max(300_000)
        .nullish()
        .meta({
          description: `One export, in all, in ms. Default: ${TIMEOUT_MS}.`,
        }),
      retry_ms: z
        .int()
        .min(10)
        .max(60_000)
        .nullish()
        .meta({
          description: `The first wait after a failure, in ms; it doubles, up to a minute. Default: ${RETRY_MS}.`,
        }),
    })
    .nullish()
    .meta({ description: 'Sends the traces of finished turns to an OTLP/HTTP receiver, in JSON. Default: nowhere.' }),
});

function urlProblem(text: string): string | null {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must begin with http:// or https://';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: use headers';
  return url.hash === '' ? null : 'must not have a fragment (#)';
}

export function tracesConfigOf(file: Maybe<FileTraces>): TracesConfig {
  const otlp = file?.otlp;
  return {
    content: file?.content ?? false,
    otlp:
      otlp === null || otlp === undefined
        ? null
        : {
            url: otlp.url,
            headers: otlp.headers ?? {},
            intervalMs: otlp.interval_ms ?? INTERVAL_MS,
            timeoutMs: otlp.timeout_ms ?? TIMEOUT_MS,
            retryMs: otlp.retry_ms ?? RETRY_MS,
          },
  };
}
