/** A page of a list that lies whole in memory (the input of one response). */
import { type ListQuery, perdureError } from '@perdure/protocol';

/** `items` are in order of creation. @throws item_not_found if the cursor is none of them */
export function pageOf<Item extends { readonly id: string }>(
  items: readonly Item[],
  query: ListQuery,
): { readonly page: readonly Item[]; readonly hasMore: boolean } {
  const ordered = query.order === 'asc' ? items : items.toReversed();
  const find = (id: string, param: string): number => {
    const at = ordered.findIndex(item => item.id === id);
    if (at < 0) throw perdureError('item_not_found', `Item with id '${id}' not found.`, { status: 400, param });
    return at;
  };
  const from = query.after === undefined ? 0 : find(query.after, 'after') + 1;
  const to = query.before === undefined ? ordered.length : find(query.before, 'before');
  const start = query.before === undefined ? from : Math.max(0, to - query.limit);
  const page = ordered.slice(start, Math.min(to, start + query.limit));
  return { page, hasMore: query.before === undefined ? start + page.length < ordered.length : start > 0 };
}
