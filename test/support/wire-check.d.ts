export declare class WireCheck {
  #private;
  /** How many bodies and events were looked at: a test that checks nothing proves nothing. */
  get checked(): number;
  /** Throws if anything that was sent so far breaks its schema. */
  assertClean(): void;
  /** A fetch that looks at every answer while the client reads it. */
  readonly fetch: typeof fetch;
}
