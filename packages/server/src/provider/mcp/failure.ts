/** What went wrong between us and a server, in our words: its own may hold what it was sent, and name what an address must not tell. */
import { isPerdureError, perdureError, type PerdureError } from '@perdure/protocol';
import type { ToolOutcome } from '../../engine/tools/ports.ts';
import { PrivateAddressError } from '../transport/address.ts';
import { isFields } from '../json.ts';
import { AnswerTooLargeError } from './guarded-fetch.ts';
import { cutText } from '../text.ts';
import { MESSAGE_BYTES } from './result.ts';
import type { Scrub } from './scrub.ts';

/** Why a server could not be reached, as the end of a sentence that begins with it. */
export function whyUnreached(error: unknown, ms: number): string {
  if (isPerdureError(error)) return `cannot be reached: ${error.message}`;
  for (const one of causes(error)) {
    if (isPerdureError(one) && one.code === 'egress_denied') return `cannot be reached: ${one.message}`;
    if (one instanceof PrivateAddressError) return 'is at an address that is not public.';
    if (one instanceof AnswerTooLargeError) return 'answers with more than is read.';
    const status = statusOf(one);
    if (status === 401 || status === 403) return 'refuses the credential, or wants one.';
    if (status !== null) return `answers with status ${status}.`;
    if (isMissing(one)) return 'cannot be started: the command is not there.';
    if (isTimeout(one)) return `did not answer within ${ms} ms.`;
    if (isFields(one) && one['name'] === 'UnauthorizedError') return 'refuses the credential, or wants one.';
  }
  return 'cannot be reached.';
}

export function unavailable(label: string, why: string): PerdureError {
  return perdureError('mcp_server_unavailable', `The MCP server '${label}' ${why}`);
}

/** Whether nothing of a call was done, so that it may be made again: the server no longer knew the connection. */
export function isForgotten(error: unknown): boolean {
  return statusIn(error) === 404;
}

/** Whether it is not known what became of a call. */
export function isLost(error: unknown): boolean {
  return !isRpcError(error) && statusIn(error) === null;
}

/** @param error what a call failed with */
export function callFailure(
  error: unknown,
  how: { readonly scrub: Scrub; readonly callMs: number; readonly tooLarge: boolean; readonly idempotent: boolean },
): ToolOutcome {
  if (how.tooLarge || causes(error).some(one => one instanceof AnswerTooLargeError))
    return failed('mcp_result_too_large', 'The result of the tool is larger than is read. The tool has run.');
  if (isRpcError(error)) {
    const said = cutText(how.scrub.text(error.message), MESSAGE_BYTES);
    return failed('mcp_error', `The server answered with an error: ${said}`);
  }
  const status = statusIn(error);
  if (status === 401 || status === 403) return failed('mcp_unauthorized', 'The server refused the credential.');
  if (status !== null) return failed('mcp_http_error', `The server answered with status ${status}.`);
  const unknown = how.idempotent ? '' : ' It is not known whether the tool has run.';
  if (causes(error).some(isTimeout))
    return failed('mcp_timeout', `The server did not answer within ${how.callMs} ms.${unknown}`);
  return failed('mcp_connection_lost', `The connection to the server was lost.${unknown}`);
}

export function failed(code: string, message: string): ToolOutcome {
  return { ok: false, code, message };
}

/** The HTTP status that an error, or one that it came from, carries. */
export function statusIn(error: unknown): number | null {
  return (
    causes(error)
      .map(statusOf)
      .find(one => one !== null) ?? null
  );
}

/** As `spawn` says it. */
export class MissingProgramError extends Error {
  readonly code = 'ENOENT';
}

/** Whether a command is not there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function isRpcError(error: unknown): error is Error & { readonly code: number } {
  return error instanceof Error && typeof codeOf(error) === 'number';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

/** The HTTP status that an error of the SDK carries. */
function statusOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  const status = 'status' in error ? error.status : null;
  return typeof status === 'number' && status >= 300 && status <= 599 ? status : null;
}

function isTimeout(error: unknown): boolean {
  return codeOf(error) === 'REQUEST_TIMEOUT' || (error instanceof Error && error.name === 'TimeoutError');
}

function causes(error: unknown): readonly unknown[] {
  const found: unknown[] = [];
  for (let one = error; one !== undefined && one !== null && found.length < 10; ) {
    found.push(one);
    one = one instanceof Error ? one.cause : null;
  }
  return found;
}
