/** What a compaction keeps, found where it holds nobody up. What is large is looked at in a thread; what cannot be extracted is cut. */
import { toPerdureError } from '@perdure/protocol';
import type { Json, JsonObject, LoggedItem } from '../../log/events.ts';
import { isUserMessage } from '../../session/compaction/items.ts';
import { selectContent, type Selection, type SelectionOptions } from '../../session/compaction/select.ts';
import type { EngineContext } from '../engine-context.ts';

/** Characters of text that are looked at here: a few milliseconds' work, which a thread's start takes too. */
export const MAX_CHARS_HERE = 65_536;
/** What an item counts for beside its texts. */
const ITEM_CHARS = 64;

/** The same whether it runs here or apart: a turn that is recovered chooses what it would have chosen. Never rejects for what the items hold. */
export async function selected(
  { compaction, report }: Pick<EngineContext, 'compaction' | 'report'>,
  items: readonly LoggedItem[],
  options: SelectionOptions,
): Promise<Selection> {
  try {
    if (compaction.selectApart === undefined || !isLarge(items)) return selectContent(items, options);
    if (options.users === 'within') return await compaction.selectApart(items, options);
    // They are kept whole: there is nothing to find in them.
    const rest = items.filter(item => !isUserMessage(item));
    const { content } = await compaction.selectApart(rest, { ...options, users: 'within' });
    return { users: items.filter(isUserMessage), content };
  } catch (error) {
    // A session whose compaction fails would never get on: what fits is kept whole, and the rest goes without a digest.
    report('compaction.select', toPerdureError(error));
    return selectContent(items, { ...options, extracts: false });
  }
}

function isLarge(items: readonly LoggedItem[]): boolean {
  let left = MAX_CHARS_HERE;
  for (const item of items) {
    left -= ITEM_CHARS;
    for (const key in item) left -= charsOf(item[key], left);
    if (left < 0) return true;
  }
  return false;
}

/** The texts of a value. Stops soon after `most`. */
function charsOf(value: Json | undefined, most: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let sum = 0;
  for (const one of Array.isArray(value) ? value : Object.values(value as JsonObject)) {
    sum += charsOf(one as Json, most - sum);
    if (sum > most) break;
  }
  return sum;
}
