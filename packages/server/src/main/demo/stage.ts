/** What the chapters play on: the running server, a client for each customer, and what is said so far. */
import type { PerdureClient } from '@perdure/client';
import type OpenAI from 'openai';
import type { Claims } from './claims.ts';
import type { Talk } from './talk.ts';

export interface Stage {
  readonly claims: Claims;
  /** Clouds whose answers are made up. */
  readonly emulated: readonly string[];
  /** The conversations, by customer. */
  readonly talks: Map<string, Talk>;
  /** The placement of the call that kept nothing. */
  stateless: string | null;
  /** Readings to compare with the one in force. */
  readonly readings: readonly string[];
  /** The official client with this customer's key: one try, so that nothing is hidden. */
  readonly openai: (customer: string) => OpenAI;
  readonly perdure: (customer: string) => PerdureClient;
  /** SIGKILL; the address is gone. */
  readonly kill: () => Promise<void>;
  /** Starts the server on what the killed one left, at a new address. */
  readonly restart: () => Promise<void>;
  /** A heading, and plain lines of the story. */
  readonly heading: (text: string) => void;
  readonly say: (text: string) => void;
  /** What takes a while, shown until the next line. */
  readonly working: (text: string) => void;
}
