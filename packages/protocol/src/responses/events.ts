/** Stream events of `POST /v1/responses`, in the names that both Open Responses and OpenAI's clients know. */
import type { StreamErrorEvent } from '../perdure-error.ts';
import type { ContentPart, ItemField, LogProb, SummaryText, UrlCitation } from './items.ts';
import type { ResponseResource } from './resource.ts';

type Numbered = {
  /** One counter per response, from 0, without gaps. */
  readonly sequence_number: number;
};
type OfItem = Numbered & {
  readonly item_id: string;
  /** Position in the final `output`. */
  readonly output_index: number;
};
type OfPart = OfItem & {
  readonly content_index: number;
};
type OfSummary = OfItem & {
  readonly summary_index: number;
};

export type LifecycleEvent = Numbered & {
  readonly type:
    | 'response.created'
    | 'response.queued'
    | 'response.in_progress'
    | 'response.completed'
    | 'response.failed'
    | 'response.incomplete';
  readonly response: ResponseResource;
};
export type OutputItemEvent = Numbered & {
  readonly type: 'response.output_item.added' | 'response.output_item.done';
  readonly output_index: number;
  readonly item: ItemField;
};
export type ContentPartEvent = OfPart & {
  readonly type: 'response.content_part.added' | 'response.content_part.done';
  readonly part: ContentPart;
};
export type OutputTextDeltaEvent = OfPart & {
  readonly type: 'response.output_text.delta';
  readonly delta: string;
  readonly logprobs: readonly LogProb[];
};
export type OutputTextDoneEvent = OfPart & {
  readonly type: 'response.output_text.done';
  readonly text: string;
  readonly logprobs: readonly LogProb[];
};
export type AnnotationAddedEvent = OfPart & {
  readonly type: 'response.output_text.annotation.added';
  readonly annotation_index: number;
  readonly annotation: UrlCitation;
};
export type RefusalDeltaEvent = OfPart & {
  readonly type: 'response.refusal.delta';
  readonly delta: string;
};
export type RefusalDoneEvent = OfPart & {
  readonly type: 'response.refusal.done';
  readonly refusal: string;
};
/** Open Responses says `response.reasoning.*`, OpenAI `response.reasoning_text.*`; the shapes agree. */
export type ReasoningDeltaEvent = OfPart & {
  readonly type: 'response.reasoning.delta' | 'response.reasoning_text.delta';
  readonly delta: string;
};
export type ReasoningDoneEvent = OfPart & {
  readonly type: 'response.reasoning.done' | 'response.reasoning_text.done';
  readonly text: string;
};
export type ReasoningSummaryPartEvent = OfSummary & {
  readonly type: 'response.reasoning_summary_part.added' | 'response.reasoning_summary_part.done';
  readonly part: SummaryText;
};
export type ReasoningSummaryDeltaEvent = OfSummary & {
  readonly type: 'response.reasoning_summary_text.delta';
  readonly delta: string;
};
export type ReasoningSummaryDoneEvent = OfSummary & {
  readonly type: 'response.reasoning_summary_text.done';
  readonly text: string;
};
export type FunctionArgumentsDeltaEvent = OfItem & {
  readonly type: 'response.function_call_arguments.delta';
  readonly delta: string;
};
export type FunctionArgumentsDoneEvent = OfItem & {
  readonly type: 'response.function_call_arguments.done';
  readonly arguments: string;
};

export type CustomInputDeltaEvent = OfItem & {
  readonly type: 'response.custom_tool_call_input.delta';
  readonly delta: string;
};
export type CustomInputDoneEvent = OfItem & {
  readonly type: 'response.custom_tool_call_input.done';
  readonly input: string;
};

export type ResponseStreamEvent =
  | LifecycleEvent
  | OutputItemEvent
  | ContentPartEvent
  | OutputTextDeltaEvent
  | OutputTextDoneEvent
  | AnnotationAddedEvent
  | RefusalDeltaEvent
  | RefusalDoneEvent
  | ReasoningDeltaEvent
  | ReasoningDoneEvent
  | ReasoningSummaryPartEvent
  | ReasoningSummaryDeltaEvent
  | ReasoningSummaryDoneEvent
  | FunctionArgumentsDeltaEvent
  | FunctionArgumentsDoneEvent
  | CustomInputDeltaEvent
  | CustomInputDoneEvent
  | StreamErrorEvent;

export type ResponseStreamEventType = ResponseStreamEvent['type'];

/** A stream event without its number, as it is before the commit that gives it one. */
export type UnnumberedEvent = WithoutNumber<ResponseStreamEvent>;
type WithoutNumber<Event> = Event extends Numbered ? Omit<Event, 'sequence_number'> : never;
