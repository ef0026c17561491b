/** Time as the engine sees it. Everything below level 3 gets time as a value; everything above gets this. */
export interface Clock {
  /** Wall time, ms since 1970 (UTC). For records; never for measuring a duration. */
  now(): number;
  /** A clock that never goes back, ms, arbitrary origin. For leases and deadlines (L3). */
  monotonic(): number;
}
