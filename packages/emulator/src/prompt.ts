import { type Directives, NO_DIRECTIVES, readDirectives, withoutDirectives } from './directives.ts';

/** One thing that the model is told, in the order of the request. `call` is a tool call it made earlier. */
export type Turn =
  | { readonly speaker: 'system' | 'user' | 'assistant'; readonly text: string }
  | { readonly speaker: 'call'; readonly callId: string; readonly name: string; readonly text: string }
  | { readonly speaker: 'output'; readonly callId: string; readonly name: string; readonly text: string };

export interface ToolDefinition {
  /** A custom tool takes one text; its format is checked and not obeyed. */
  readonly type: 'function' | 'custom';
  readonly name: string;
  /** That it is in: the model calls it by both names. */
  readonly namespace?: string;
  readonly description: string | null;
  readonly parameters: unknown;
  readonly strict: boolean | null;
}

/** `named`: one of these must be called. */
export type ToolChoice =
  | { readonly kind: 'auto' }
  | { readonly kind: 'none' }
  | { readonly kind: 'required' }
  | { readonly kind: 'named'; readonly name: string };

export type Format =
  | { readonly kind: 'text' }
  | { readonly kind: 'json-object' }
  | { readonly kind: 'json-schema'; readonly schema: unknown };

/** All that the model sees and is asked for, whatever the dialect it was sent in. */
export interface Prompt {
  readonly cloud: string;
  readonly turns: readonly Turn[];
  /** The text of the last user message without its directives; null if there is no user message. */
  readonly question: string | null;
  /** The index in `turns` of the last user message, or -1. */
  readonly questionAt: number;
  readonly directives: Directives;
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  readonly parallelCalls: boolean;
  readonly format: Format;
  /** Most output tokens, reasoning included; null for no bound. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  /** Tokens of what has no text: images and files. */
  readonly attachmentTokens: number;
}

/** What one image or file counts as, whatever its size. */
export const ATTACHMENT_TOKENS = 85;

/** Completes what a dialect read with what its last user message asks. */
export function promptFrom(read: Omit<Prompt, 'question' | 'questionAt' | 'directives'>): Prompt {
  const questionAt = read.turns.findLastIndex(turn => turn.speaker === 'user');
  const text = read.turns[questionAt]?.text;
  return {
    ...read,
    questionAt,
    question: text === undefined ? null : withoutDirectives(text),
    directives: text === undefined ? NO_DIRECTIVES : readDirectives(text, read.cloud),
  };
}
