/**
 * Compaction items in their open form: as they lie in the log, with the items that they stand for. What clients hold is the sealed form
 * (`seal.ts`), which is made of this one and never kept (L1): a lost key loses no context.
 */
import type { JsonObject, LoggedItem } from '../../log/events.ts';

export function openItem(id: string, items: readonly LoggedItem[]): LoggedItem {
  return { type: 'compaction', id, status: 'completed', items };
}

/** What the item stands for; null if it is none of ours, or sealed. */
export function contentOf(item: LoggedItem): readonly LoggedItem[] | null {
  if (item.type !== 'compaction' || !Array.isArray(item['items'])) return null;
  return item['items'] as readonly LoggedItem[];
}

/** Items as a model is sent them: in the place of a compaction what it stands for. The same list if there is none. */
export function expand(items: readonly LoggedItem[]): readonly LoggedItem[] {
  return items.some(item => contentOf(item) !== null) ? items.flatMap(item => contentOf(item) ?? [item]) : items;
}

/** A compaction that only another provider can read. */
export function isForeign(item: JsonObject): boolean {
  return item['type'] === 'compaction' && !Array.isArray(item['items']);
}
