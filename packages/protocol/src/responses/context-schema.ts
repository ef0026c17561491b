/** What a request says about its context: when it is compacted, and that it is to be compacted now. */
import type { core } from 'zod';
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { boundedList, fault } from '../parse.ts';
import type { CompactionTrigger, InputItem } from './items.ts';
import type { ContextManagement, CreateResponse } from './settings.ts';

const entry = z
  .object({
    type: z.string().max(LIMITS.nameChars),
    compact_threshold: z.int().min(LIMITS.minCompactTokens).max(LIMITS.maxOutputTokens).nullish(),
  })
  .transform((given, ctx): ContextManagement => {
    if (given.type !== 'compaction')
      return fault(ctx, 'unsupported_parameter', "The only 'type' of context management is 'compaction'.", ['type']);
    return { type: 'compaction', ...(given.compact_threshold && { compact_threshold: given.compact_threshold }) };
  });

export const contextManagement: z.ZodType<readonly ContextManagement[]> = boundedList(entry, LIMITS.contextManagement);

/** The input without its trigger. Null, and a fault, if a trigger is not last: nobody could say what it is to compact. */
export function compactedInput(
  items: readonly (InputItem | CompactionTrigger)[],
  ctx: core.$RefinementCtx,
): Pick<CreateResponse, 'input' | 'compaction_trigger'> | null {
  const input: InputItem[] = [];
  for (const [index, item] of items.entries()) {
    if (item.type !== 'compaction_trigger') input.push(item);
    else if (index < items.length - 1) {
      fault(ctx, 'invalid_request', "A 'compaction_trigger' must be the last item of the input.", ['input', index]);
      return null;
    }
  }
  return { input, ...(input.length < items.length && { compaction_trigger: true as const }) };
}
