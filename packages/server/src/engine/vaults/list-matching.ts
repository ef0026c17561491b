/** Pages of rows that are filtered by what is in them: read in batches until the page is full. How many there can be is bounded. */
import type { VaultListQuery } from '@perdure/protocol';
import type { Page } from '../agents/agents.ts';
import type { ResourceQuery, ResourceRow, Resources } from '../resources.ts';

const BATCH = 200;

export async function listMatching(
  store: Pick<Resources, 'resources'>,
  of: Pick<ResourceQuery, 'kind' | 'tenant' | 'parent'>,
  { order, limit, after, metadata, status }: VaultListQuery,
): Promise<Page<ResourceRow>> {
  // Nothing is archived here: what was deleted is gone.
  if (!status.includes('active')) return { data: [], hasMore: false };
  const wanted = Object.entries(metadata);
  const matches = (row: ResourceRow): boolean => {
    if (wanted.length === 0) return true;
    const held = (JSON.parse(row.body) as { readonly metadata: { readonly [key: string]: string } }).metadata;
    return wanted.every(([key, value]) => Object.hasOwn(held, key) && held[key] === value);
  };
  const data: ResourceRow[] = [];
  for (let from = after; ; ) {
    const batch = await store.resources({ ...of, order, limit: BATCH, after: from });
    for (const row of batch) {
      if (!matches(row)) continue;
      if (data.length === limit) return { data, hasMore: true };
      data.push(row);
    }
    from = batch.at(-1)?.id ?? null;
    if (batch.length < BATCH) return { data, hasMore: false };
  }
}
