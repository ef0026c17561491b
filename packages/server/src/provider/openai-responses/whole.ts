/** A Responses answer in one piece -> steps. */
import type { Step } from '../../log/steps.ts';
import { malformed, reportedFailure, truncated } from '../in-band.ts';
import { type Fields, fieldsIn } from '../json.ts';
import type { ReadToolName } from '../tool-names.ts';
import { ResponseOutput } from './output.ts';

/** @throws ProviderError */
export function readWhole(response: Fields, requestId: string | null, toolName?: ReadToolName): readonly Step[] {
  // Servers that say less give no status.
  const status = response['status'] ?? (fieldsIn(response, 'error') === null ? 'completed' : 'failed');
  if (status === 'failed' || status === 'cancelled') throw reportedFailure(response, requestId);
  // What has only begun, or was put off, is no answer.
  if (status !== 'completed' && status !== 'incomplete') throw truncated(requestId);
  if (!Array.isArray(response['output'])) throw malformed(requestId);
  const output = new ResponseOutput(requestId, toolName);
  output.end(response, status === 'incomplete');
  return output.take();
}
