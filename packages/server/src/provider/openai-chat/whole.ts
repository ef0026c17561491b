/** A Chat Completions answer in one piece -> steps. */
import type { Step } from '../../log/steps.ts';
import { malformed } from '../in-band.ts';
import { type Fields, fieldsIn, isFields, listIn } from '../json.ts';
import type { ReadToolName } from '../tool-names.ts';
import { ChatReader } from './reader.ts';

/** Its message is read as the one delta that says everything. @throws ProviderError */
export function readWhole(answer: Fields, requestId: string | null, toolName?: ReadToolName): readonly Step[] {
  const reader = new ChatReader(requestId, toolName);
  reader.chunk({
    ...answer,
    choices: listIn(answer, 'choices')
      .slice(0, 1)
      .map(choice => asDelta(choice, requestId)),
  });
  reader.close();
  return reader.take();
}

function asDelta(choice: unknown, requestId: string | null): Fields {
  const message = isFields(choice) ? fieldsIn(choice, 'message') : null;
  if (!isFields(choice) || message === null) throw malformed(requestId);
  // Here a call is told by its place alone: an index is not part of it, and what some servers give as one is the same for all.
  const calls = listIn(message, 'tool_calls').map((call, index) => (isFields(call) ? { ...call, index } : call));
  return { ...choice, delta: { ...message, tool_calls: calls } };
}
