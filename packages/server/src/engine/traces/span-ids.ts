/** Ids of traces and spans, made of what the log says: a trace is the same whenever it is made, and a span that is sent twice is one span. */
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import type { Sha256 } from '../ports.ts';

export interface SpanIds {
  /** 32 hexadecimal digits. */
  readonly trace: string;
  /**
   * 16 hexadecimal digits.
   * @param seq of the event that the span is made for; 0 for the root
   */
  span(seq: number): string;
}

/** Of the root: no event has it. */
export const ROOT = 0;

export function spanIds(sha256: Sha256, session: SessionId, turn: ResponseId): SpanIds {
  const digest = (text: string): string => Buffer.from(sha256(text)).toString('hex');
  const trace = digest(`perdure trace\n${session}\n${turn}`).slice(0, 32);
  return { trace, span: seq => digest(`perdure span\n${trace}\n${seq}`).slice(0, 16) };
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
}

/** A caller's span, as W3C Trace Context writes it; null if it is none. */
export function parseTraceparent(header: string): SpanLink | null {
  const [, version = '', traceId = '', spanId = '', more = ''] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(header) ?? [];
  // Later versions may say more; version 00 may not.
  if (version === '' || version === 'ff' || (version === '00' && more !== '')) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId };
}
