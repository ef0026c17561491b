/** What names one answer: made from the request, so that the same requests in the same order get the same ids. */
export interface Identity {
  /** `prefix` ends with its separator (`resp_`, `chatcmpl-`); `index` tells apart several of one answer. */
  readonly id: (prefix: string, index?: number) => string;
  /** Unix time in seconds. */
  readonly createdAt: number;
}

/**
 * One server-sent event. A `delta` counts for latency and for the faults that strike after N deltas; a `closing` one is
 * what a stream cut short leaves out.
 */
export interface Frame {
  readonly text: string;
  readonly kind: 'plain' | 'delta' | 'closing';
}

/** An answer ready to be sent, whole or as a stream. */
export interface Reply {
  readonly frames: () => Iterable<Frame>;
  readonly body: () => string;
  /** An in-band error for a stream that has sent `sent` events: the fault `error-event`. */
  readonly errorFrame: (sent: number) => string;
  readonly outputTokens: number;
}
