/**
 * What a receiver may expect of OTLP in JSON (opentelemetry-proto 1.x, trace/v1): nothing else is there, ids and numbers have their form, and
 * every attribute is one of the semantic conventions or ours.
 */
import * as semconv from '@opentelemetry/semantic-conventions/incubating';
import * as z from 'zod';

const CONVENTIONS: ReadonlySet<string> = new Set(
  Object.entries(semconv).flatMap(([name, value]) => (name.startsWith('ATTR_') ? [String(value)] : [])),
);
/** Ours: docs/traces.md names each. */
export const OURS: RegExp = /^perdure(\.[a-z_]+)+$/;

const value: z.ZodType = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d{1,19}$/) }),
  z.strictObject({
    arrayValue: z.strictObject({ values: z.array(z.strictObject({ stringValue: z.string() })).min(1) }),
  }),
]);
const attributes = z
  .array(
    z.strictObject({
      key: z.string().refine(key => CONVENTIONS.has(key) || OURS.test(key), 'is in no convention'),
      value,
    }),
  )
  .refine(all => new Set(all.map(({ key }) => key)).size === all.length, 'an attribute is there twice');
const time = z.string().regex(/^\d{1,20}$/);
const traceId = z.string().regex(/^(?!0+$)[0-9a-f]{32}$/);
const spanId = z.string().regex(/^(?!0+$)[0-9a-f]{16}$/);

const span = z
  .strictObject({
    traceId,
    spanId,
    parentSpanId: spanId.optional(),
    name: z.string().min(1),
    kind: z.int().min(1).max(5),
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes,
    events: z.array(z.strictObject({ timeUnixNano: time, name: z.string().min(1), attributes })).optional(),
    links: z.array(z.strictObject({ traceId, spanId })).optional(),
    status: z.strictObject({ code: z.int().min(0).max(2).optional(), message: z.string().optional() }),
  })
  .refine(one => BigInt(one.endTimeUnixNano) >= BigInt(one.startTimeUnixNano), 'ends before it begins');

export const otlpTraces: z.ZodType = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string().optional() }),
          spans: z.array(span),
        }),
      ),
    }),
  ),
});
