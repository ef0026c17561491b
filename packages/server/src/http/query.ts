/** Query strings, as the schemas take them. */
import type { RawQuery } from '@perdure/protocol';

export function rawQuery(url: string | undefined): RawQuery {
  const at = url?.indexOf('?') ?? -1;
  if (url === undefined || at < 0) return {};
  const query = new URLSearchParams(url.slice(at + 1));
  return Object.fromEntries([...new Set(query.keys())].map(name => [name, query.getAll(name)]));
}
