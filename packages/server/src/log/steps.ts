/**
 * Steps: what a model call says while it runs, in one neutral form for every upstream dialect. Released steps are journalled as
 * they are, so that a cut call can be told from one that had shown nothing.
 *
 * P1  Items come one after another: every step of item i comes before any step of item i+1; `index` counts from 0.
 * P2  Within an item, parts come one after another, each opened by `part` before its deltas. A call has no parts: its deltas
 *     are of its arguments, or of its input (`part` 0).
 * P3  Exactly one `end`, and it is last.
 */
import type { JsonObject, Unsaid, UpstreamIds, Usage } from './events.ts';

export type PartKind = 'output_text' | 'refusal' | 'summary_text' | 'reasoning_text';

export type Step =
  | { readonly type: 'item'; readonly index: number; readonly item: StartedItem }
  | { readonly type: 'part'; readonly index: number; readonly part: number; readonly kind: PartKind }
  /** `logprobs`: of the tokens that this text is, as wire objects. */
  | {
      readonly type: 'delta';
      readonly index: number;
      readonly part: number;
      readonly text: string;
      readonly logprobs?: readonly JsonObject[];
    }
  /** `annotations` are whole wire objects; they do not stream. */
  | {
      readonly type: 'part_done';
      readonly index: number;
      readonly part: number;
      readonly annotations?: readonly JsonObject[];
    }
  /** `incomplete`: the model was stopped inside it (its length, a filter). */
  | {
      readonly type: 'item_done';
      readonly index: number;
      readonly encryptedContent?: string;
      readonly incomplete?: true;
    }
  | StepEnd;

/** Calls of tools that the client runs: with JSON arguments, or with one text as input. */
export type CallType = 'function_call' | 'custom_tool_call';

/** Whether items of this type are calls that an output must answer. */
export function isCallType(type: string): type is CallType {
  return type === 'function_call' || type === 'custom_tool_call';
}

export type StartedItem =
  | { readonly type: 'message' }
  | { readonly type: CallType; readonly callId: string; readonly name: string; readonly namespace?: string }
  | { readonly type: 'reasoning' }
  /** Comes whole: its sealed content with its end. No upstream makes it. */
  | { readonly type: 'compaction' };

export interface StepEnd {
  readonly type: 'end';
  readonly outcome: 'completed' | 'incomplete';
  readonly reason: 'max_output_tokens' | 'content_filter' | 'steered' | null;
  /** Null if the upstream did not say, and nothing is known: then the engine counts it, and the meter says so. */
  readonly usage: Usage | null;
  /** How the usage was found. Absent: the upstream said it. */
  readonly metered?: Unsaid;
  readonly upstream: UpstreamIds;
  /** The service tier that was used, if the upstream said one. */
  readonly serviceTier?: string;
}
