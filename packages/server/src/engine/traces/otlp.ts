/** OTLP in its JSON form (opentelemetry-proto, trace/v1): ids in hexadecimal, 64-bit numbers as text, enumerations as numbers. Pure. */

export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } };

export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** `SPAN_KIND_INTERNAL` and `SPAN_KIND_CLIENT`. */
export const SPAN_KIND = { internal: 1, client: 3 } as const;
/** `STATUS_CODE_OK` is for applications to say; what went well is left unset. */
const STATUS_ERROR = 2;

export interface OtlpSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  /** ns since 1970. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly events?: readonly {
    readonly timeUnixNano: string;
    readonly name: string;
    readonly attributes: readonly OtlpAttribute[];
  }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** `ExportTraceServiceRequest`. */
export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

export type AttributeValue = string | number | boolean | readonly string[] | null | undefined;

/** What is null, undefined or an empty list is left out. Numbers are whole. */
export function attributesOf(values: { readonly [key: string]: AttributeValue }): readonly OtlpAttribute[] {
  const attributes: OtlpAttribute[] = [];
  for (const [key, value] of Object.entries(values)) {
    const encoded = valueOf(value);
    if (encoded !== null) attributes.push({ key, value: encoded });
  }
  return attributes;
}

function valueOf(value: AttributeValue): OtlpValue | null {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return { intValue: String(value) };
    default:
      if (value === null || value === undefined || value.length === 0) return null;
      return { arrayValue: { values: value.map(one => ({ stringValue: one })) } };
  }
}

/** @param ms since 1970 */
export function nanos(ms: number): string {
  return `${ms}000000`;
}

/** @param code what went wrong, by its stable code: never a message, which may hold content */
export function statusOf(code: string | null): OtlpSpan['status'] {
  return code === null ? {} : { code: STATUS_ERROR, message: code };
}

export function tracesOf(spans: readonly OtlpSpan[]): OtlpTraces {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ 'service.name': 'perdure' }) },
        scopeSpans: [{ scope: { name: 'perdure' }, spans }],
      },
    ],
  };
}
