/** A chat completion as a stream: the chunks of its choices as they come, each named by its choice. */
import { chatUsageChunk, type ChatHead, errorBody, toPerdureError } from '@perdure/protocol';
import { deliver, type TakeSteps } from '../../engine/flow.ts';
import type { StatelessCall } from '../../engine/stateless.ts';
import type { Headers } from '../reply.ts';
import { dataEvent, EventStream, READER_LEFT } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { Choice, together } from './choice.ts';
import { ChunkWriter } from './chunk-writer.ts';

export interface Streaming {
  readonly calls: readonly StatelessCall[];
  readonly head: ChatHead;
  readonly headers: Headers;
  /** Ends the calls. */
  readonly stop: AbortController;
}

export async function streamChoices(deps: HttpDeps, exchange: Exchange, streaming: Streaming): Promise<void> {
  const { calls, head, headers, stop } = streaming;
  const choices = calls.map(call => new Choice(call));
  let open = calls.length;
  let out: EventStream | null = null;
  const taking = (choice: Choice, index: number): TakeSteps => {
    const chunks = new ChunkWriter({ ...head, choice: index }, choice.view);
    return batch => {
      // Another one has failed: what comes now would stand behind the error, or before it.
      if (stop.signal.aborted) throw READER_LEFT;
      const events: string[] = [];
      for (const step of batch) {
        choice.push(step);
        if (step.type !== 'end') {
          chunks.push(step, events);
          continue;
        }
        chunks.open('', events);
        events.push(chunks.closing(choice.answer(), choice.tier));
        open -= 1;
        if (open === 0) events.push(...ending(head, choices));
      }
      out ??= new EventStream(exchange.res, deps.limits, headers);
      if (!out.open) throw READER_LEFT;
      return out.put(events);
    };
  };
  try {
    await together(calls, stop, (call, index) =>
      deliver(call.steps, taking(choices[index] ?? new Choice(call), index)),
    );
    (out as EventStream | null)?.end();
  } catch (thrown) {
    if (thrown === READER_LEFT) return;
    const stream = out as EventStream | null;
    if (stream === null) throw thrown;
    await stream.write([dataEvent(JSON.stringify(errorBody(toPerdureError(thrown))))]);
    stream.end();
  }
}

/** What stands behind the last chunk of the last choice. */
function ending(head: ChatHead, choices: readonly Choice[]): readonly string[] {
  const usages = choices.map(choice => choice.answer().usage);
  const last = { ...head, ...choices[0]?.tier };
  const counted = head.include_usage === true ? [dataEvent(JSON.stringify(chatUsageChunk(last, usages)))] : [];
  return [...counted, dataEvent('[DONE]')];
}
