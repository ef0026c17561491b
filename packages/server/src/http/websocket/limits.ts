/** Every bound of a WebSocket connection. */

/** What operators set. */
export interface WebSocketLimits {
  /** How long a connection may live, ms. */
  readonly lifetimeMs: number;
  /** Connections of this server at once, and those of one key. */
  readonly connections: number;
  readonly connectionsPerKey: number;
  /** What one connection may hold of responses that are not stored, bytes of text. */
  readonly cacheBytes: number;
}

/** What one connection may have at once. Lanes and responses as OpenAI has them; the rest is ours. */
export interface ConnectionBounds {
  /** Responses in flight, over all lanes. */
  readonly responses: number;
  /** Distinct stream ids, over the connection's life. */
  readonly lanes: number;
  /** Frames that wait, over all lanes, and their bytes. */
  readonly frames: number;
  readonly frameBytes: number;
  /** Responses that are held, whatever their size. */
  readonly entries: number;
  /** Steering submissions that wait: for one response, and over all; and the bytes of their input. */
  readonly steers: number;
  readonly allSteers: number;
  readonly steerBytes: number;
  /** Ended responses whose ids are remembered, to say why one cannot be steered. */
  readonly ended: number;
}

const MIB = 1024 * 1024;

export const CONNECTION_BOUNDS: ConnectionBounds = {
  responses: 16,
  lanes: 32,
  frames: 64,
  frameBytes: 32 * MIB,
  entries: 64,
  steers: 8,
  allSteers: 32,
  steerBytes: 4 * MIB,
  ended: 256,
};
