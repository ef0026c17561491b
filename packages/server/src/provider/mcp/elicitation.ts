/**
 * A server that needs an answer of a person. In the newer protocol it ends the call and asks: the call is made again with the answer.
 * In the older one it asks in the middle of a call, which cannot wait for days: it is declined, and the result says so.
 */
import type { ToolOutcome, ToolRun } from '../../engine/tools/ports.ts';
import type { JsonObject } from '../../log/events.ts';
import { fieldsIn, isFields, parseFields, stringIn } from '../json.ts';
import type { Scrub } from './scrub.ts';

/** UTF-8 bytes of what is kept of a question, its state included. */
export const QUESTION_BYTES: number = 64 * 1024;

/** `input_required` of revision 2026-07-28. */
interface InputRequired {
  readonly resultType: 'input_required';
  readonly inputRequests?: { readonly [key: string]: unknown };
  readonly requestState?: string;
}

export function isInputRequired(result: unknown): result is InputRequired {
  return isFields(result) && result['resultType'] === 'input_required';
}

export function asksOf(
  result: InputRequired,
  of: { readonly server: string; readonly tool: string },
  scrub: Scrub,
): ToolOutcome {
  const asked = Object.entries(result.inputRequests ?? {});
  const questions: JsonObject[] = [];
  for (const [key, request] of asked) {
    const params = isFields(request) && request['method'] === 'elicitation/create' ? fieldsIn(request, 'params') : null;
    if (params === null)
      return refused('mcp_input_unsupported', 'The server asks for something else than an answer of a person.');
    questions.push(questionOf(key, params));
  }
  if (questions.length === 0)
    return refused('mcp_input_unsupported', 'The server wants to be asked again, and says not for what.');
  const about = scrub.json<JsonObject>({ type: 'mcp_elicitation', server: of.server, tool: of.tool, questions });
  const resume = JSON.stringify({ keys: asked.map(([key]) => key), state: result.requestState ?? null });
  // What is resumed with goes back to the server as it is: it cannot be changed.
  if (scrub.text(resume) !== resume) return refused('mcp_input_unsupported', 'The question holds a credential.');
  if (Buffer.byteLength(resume) + Buffer.byteLength(JSON.stringify(about)) > QUESTION_BYTES)
    return refused('mcp_input_unsupported', `A question of a server has ${QUESTION_BYTES} bytes at most.`);
  return { ok: 'asks', about, resume };
}

function questionOf(key: string, params: { readonly [key: string]: unknown }): JsonObject {
  const url = stringIn(params, 'url');
  const schema = fieldsIn(params, 'requestedSchema');
  return {
    key,
    mode: url === null ? 'form' : 'url',
    message: stringIn(params, 'message') ?? '',
    ...(url !== null && { url }),
    ...(schema !== null && { schema: schema as JsonObject }),
  };
}

/** What a call carries that is made again with an answer; null if it is no such call. */
export function answered(
  answer: ToolRun['answer'],
): { readonly inputResponses: JsonObject; readonly requestState?: string } | null {
  const resume = answer?.resume === null || answer?.resume === undefined ? null : parseFields(answer.resume);
  const keys = resume?.['keys'];
  if (answer === null || resume === null || !Array.isArray(keys)) return null;
  const state = stringIn(resume, 'state');
  const responses = keys.map(key => [String(key), responseTo(answer, keys.length === 1 ? null : String(key))] as const);
  return { inputResponses: Object.fromEntries(responses), ...(state !== null && { requestState: state }) };
}

/** Whether it answers a question of a server, and not one about the call. */
export function isAnswer(answer: ToolRun['answer']): boolean {
  return answered(answer) !== null;
}

/** @param key of one of several questions: their answers are told apart by it */
export function responseTo(answer: ToolRun['answer'], key: string | null): JsonObject {
  if (answer === null || !answer.granted) return { action: 'decline' };
  const { value } = answer;
  const given = key === null ? value : isFields(value) ? value[key] : null;
  return { action: 'accept', content: isFields(given) ? given : {} };
}

/** Notes of questions that were declined, beside what the call came to. */
export function withDeclined(outcome: ToolOutcome, questions: readonly string[]): ToolOutcome {
  if (questions.length === 0 || outcome.ok === 'asks' || outcome.ok === 'waits') return outcome;
  const note = `[The server asked in the middle of the call, and was declined: nobody could answer. It asked: ${questions.join(' / ')}]`;
  if (!outcome.ok) return { ...outcome, message: `${outcome.message}\n${note}` };
  const { output } = outcome;
  return {
    ...outcome,
    output: typeof output === 'string' ? `${output}\n${note}` : [...output, { type: 'input_text', text: note }],
  };
}

function refused(code: string, message: string): ToolOutcome {
  return { ok: false, code, message };
}
