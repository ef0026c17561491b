/** Query strings, as the schemas take them. */
import { perdureError, type RawQuery } from '@perdure/protocol';

/** A yes or no; no if it is not there. @throws invalid_request */
export function flag(url: string | undefined, name: string): boolean {
  const [value = 'false', more] = rawQuery(url)[name] ?? [];
  if (more === undefined && (value === 'true' || value === 'false')) return value === 'true';
  throw perdureError('invalid_request', `'${name}' must be true or false.`, { param: name });
}

export function rawQuery(url: string | undefined): RawQuery {
  const at = url?.indexOf('?') ?? -1;
  if (url === undefined || at < 0) return {};
  const query = new URLSearchParams(url.slice(at + 1));
  return Object.fromEntries([...new Set(query.keys())].map(name => [name, query.getAll(name)]));
}
