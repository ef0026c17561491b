/** Reads server-sent events as a plain client would, from text that comes in pieces. */
export interface SentEvent {
  /** Null for an event without a name. */
  readonly name: string | null;
  readonly data: string;
}
export declare class SentEvents {
  #private;
  /** The events that are complete with this piece. Comments (heartbeats) are none. */
  push(piece: string): readonly SentEvent[];
  /** What came after the last complete event: empty at a proper end. */
  get rest(): string;
}
export declare function sentEvents(text: string): readonly SentEvent[];
