/** Every bound on an upstream call. */
export interface ProviderLimits {
  /** To a TCP connection, its TLS handshake included, ms. */
  readonly connectMs: number;
  /** From the call to the first byte of a successful answer's body, waiting for a connection included, ms. */
  readonly firstByteMs: number;
  /** Between two reads of the body while somebody waits for it, ms. A reader's own pauses do not count. */
  readonly idleMs: number;
  /** Of one event, beyond what the upstream repeats in it of the request's settings and of its own answer. */
  readonly maxEventBytes: number;
  /** Of one answer's body. */
  readonly maxResponseBytes: number;
  /** Open connections to one origin; further calls wait, within their `firstByteMs`. */
  readonly maxConnectionsPerOrigin: number;
  /** Calls that may wait for a connection to one origin; further ones fail at once. */
  readonly maxWaitingPerOrigin: number;
}

export const DEFAULT_PROVIDER_LIMITS: ProviderLimits = {
  connectMs: 5_000,
  firstByteMs: 120_000,
  idleMs: 120_000,
  maxEventBytes: 1024 * 1024,
  maxResponseBytes: 64 * 1024 * 1024,
  maxConnectionsPerOrigin: 512,
  maxWaitingPerOrigin: 4_096,
};
