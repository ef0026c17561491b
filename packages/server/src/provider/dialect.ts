/** What differs between upstream dialects: the words, not the way of the call. */
import type { CallSettings, ContextRun } from '../engine/ports.ts';
import type { Step } from '../log/steps.ts';
import type { OutputRules } from './cut-output.ts';
import type { Fields } from './json.ts';
import type { ReadToolName } from './tool-names.ts';

export type DialectName = 'openai-responses' | 'openai-chat';

export interface EncodedRequest {
  readonly body: Buffer;
  /** Bytes of settings in it, which an upstream may repeat in its events. */
  readonly settingsBytes: number;
  /** Whether it holds items that only the provider that made them can read. */
  readonly sealed: boolean;
}

export interface EncodeOptions {
  /** Leave sealed items out: the upstream could not read them. */
  readonly unsealed: boolean;
  /** Ask for the answer in one piece, not for a stream of events. */
  readonly whole: boolean;
}

/** Reads the events of one answer. What it throws is a `ProviderError`; after that, or after `ended`, it is spent. */
export interface EventReader {
  /** Takes an event's data. */
  event(data: string): void;
  /** The body ended cleanly: says the end if all of the answer was there, else throws. */
  close(): void;
  /** Steps that are due since the last time. */
  take(): Step[];
  /** Whether the end was said: what still comes means nothing. */
  readonly ended: boolean;
  /** Whether it was said before the upstream said it: nothing more is wanted of that. */
  readonly left?: boolean;
}

export interface Dialect {
  readonly name: DialectName;
  /** Appended to the base URL's path. */
  readonly path: string;
  /** @throws ProviderError (`upstream_invalid_request`) for what the dialect cannot say */
  readonly encode: (
    context: readonly ContextRun[],
    settings: CallSettings,
    model: string,
    options: EncodeOptions,
  ) => EncodedRequest;
  /** What of the settings the dialect cannot ask for, and is done to the answer; null if there is nothing. */
  readonly leftToDo: (settings: CallSettings) => Pick<OutputRules, 'stop' | 'tokens'> | null;
  readonly estimate: (context: readonly ContextRun[], settings: CallSettings) => number;
  readonly reader: (requestId: string | null, toolName: ReadToolName) => EventReader;
  /**
   * All of an answer that came in one piece: the steps that its stream would have given, but for one delta a part.
   * @throws ProviderError
   */
  readonly whole: (answer: Fields, requestId: string | null, toolName: ReadToolName) => readonly Step[];
}
