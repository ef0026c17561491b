/**
 * Calls of tools that clients run under kinds of their own, and their outputs: `local_shell`, `shell`, `apply_patch`. They are taken as
 * history. What is inside an action or an operation is not looked at: only the client and the model read it.
 */
import type { core } from 'zod';
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { boundedList, fault, freeObject } from '../parse.ts';
import type { InputItem, ItemStatus, LocalCallOutput } from './items.ts';

const id = z.string().min(1).max(LIMITS.idChars).nullish();
const callId = z.string().min(1).max(LIMITS.callIdChars);
const status = z.string().max(LIMITS.nameChars).nullish();
const text = z.string().max(LIMITS.textChars);

const statusOf = (given: string | null | undefined): ItemStatus =>
  given === 'incomplete' || given === 'in_progress' ? 'incomplete' : 'completed';
const withId = (given: string | null | undefined): { id?: string } => (given ? { id: given } : {});

const shellCall = z
  .object({
    type: z.literal(['local_shell_call', 'shell_call']),
    id,
    call_id: callId,
    action: freeObject,
    status,
  })
  .transform(
    ({ type, id: own, call_id, action, status: given }): InputItem => ({
      type,
      ...withId(own),
      call_id,
      action,
      status: statusOf(given),
    }),
  );

const patchCall = z
  .object({ type: z.literal('apply_patch_call'), id, call_id: callId, operation: freeObject, status })
  .transform(
    ({ type, id: own, call_id, operation, status: given }): InputItem => ({
      type,
      ...withId(own),
      call_id,
      operation,
      status: statusOf(given),
    }),
  );

/** Its `id` is that of the call where it has no `call_id`: OpenAI's clients know both forms. */
const localShellOutput = z
  .object({ type: z.literal('local_shell_call_output'), id, call_id: callId.nullish(), output: text, status })
  .transform(({ type, id: own, call_id, output, status: given }, ctx): InputItem => {
    const answered = call_id ?? own;
    if (!answered || answered.length > LIMITS.callIdChars)
      return fault(ctx, 'invalid_request', "An output needs the 'call_id' of its call.", ['call_id']);
    return { type, ...withId(own), call_id: answered, output, status: statusOf(given) };
  });

const shellOutput = z
  .object({
    type: z.literal('shell_call_output'),
    id,
    call_id: callId,
    output: boundedList(freeObject, LIMITS.contentParts),
    max_output_length: z.int().min(0).max(LIMITS.textChars).nullish(),
    status,
  })
  .transform(
    ({ type, id: own, call_id, output, max_output_length: most, status: given }): InputItem => ({
      type,
      ...withId(own),
      call_id,
      output,
      ...(most !== undefined && most !== null && { max_output_length: most }),
      status: statusOf(given),
    }),
  );

const patchOutput = z
  .object({ type: z.literal('apply_patch_call_output'), id, call_id: callId, output: text.nullish(), status })
  .transform(({ type, id: own, call_id, output, status: given }): InputItem => {
    const said: LocalCallOutput['status'] = given === 'failed' ? 'failed' : statusOf(given);
    return { type, ...withId(own), call_id, ...(output && { output }), status: said };
  });

/** Told apart by `type`. */
export const localItem: z.ZodType<InputItem> & core.$ZodTypeDiscriminable = z.discriminatedUnion('type', [
  shellCall,
  patchCall,
  localShellOutput,
  shellOutput,
  patchOutput,
]);
