import type { Fault } from './faults.ts';

export interface EmulatorOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Names of the clouds to stand in for; default `azure`, `aws`, `openai-direct`. */
  readonly clouds?: readonly string[];
  /** Without any, every request is let in. */
  readonly apiKeys?: readonly string[];
  /** Faults of every request, before those of rules and directives. */
  readonly defaults?: Fault | readonly Fault[];
  /** Keep the last 50 bodies in the log. */
  readonly recordBodies?: boolean;
  /** Enters every id; the same seed and the same requests in the same order give the same ids. */
  readonly seed?: string;
  /** Milliseconds since 1970; for `created_at` and the log. */
  readonly now?: () => number;
}

export interface Emulator {
  readonly url: string;
  readonly port: number;
  readonly clouds: readonly string[];
  /** `http://127.0.0.1:PORT/azure/v1`. Throws on a cloud that is not served. */
  readonly baseUrl: (cloud: string) => string;
  /** Ends every connection, hanging ones too. */
  readonly close: () => Promise<void>;
}

export const DEFAULT_CLOUDS: readonly string[] = ['azure', 'aws', 'openai-direct'];
