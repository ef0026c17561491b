/** What a request line asks for. */
export type Route =
  | { readonly kind: 'control'; readonly path: string }
  | { readonly kind: 'responses' | 'chat' | 'models'; readonly cloud: string }
  | { readonly kind: 'model' | 'stored-response'; readonly cloud: string; readonly id: string }
  | { readonly kind: 'not-allowed'; readonly cloud: string }
  | { readonly kind: 'unknown' };

/** The cloud of `/v1/...` without a name before it. */
export const DEFAULT_CLOUD = 'default';
export const CLOUD_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** `/{cloud}/v1/...`, `/{cloud}/openai/v1/...` (as Azure has it), or `/v1/...`; what follows the question mark is ignored. */
export function routeOf(method: string, url: string, clouds: ReadonlySet<string>): Route {
  const path = url.split('?', 1)[0] ?? '';
  if (path.startsWith('/_emulator/')) return { kind: 'control', path: path.slice('/_emulator/'.length) };
  const match = /^(?:\/([a-z0-9-]{1,32}))?(?:\/openai)?\/v1\/([a-z]+(?:\/completions)?)(?:\/([^/]{1,200}))?$/.exec(
    path,
  );
  const [, cloud = DEFAULT_CLOUD, resource, id] = match ?? [];
  if (resource === undefined || !(clouds.has(cloud) || cloud === DEFAULT_CLOUD)) return { kind: 'unknown' };
  const only = (allowed: string, kind: 'responses' | 'chat' | 'models'): Route =>
    method === allowed ? { kind, cloud } : { kind: 'not-allowed', cloud };
  if (resource === 'responses')
    return id === undefined ? only('POST', 'responses') : { kind: 'stored-response', cloud, id };
  if (resource === 'chat/completions' && id === undefined) return only('POST', 'chat');
  if (resource === 'models') {
    if (id === undefined) return only('GET', 'models');
    return method === 'GET' ? { kind: 'model', cloud, id: decodeURIComponent(id) } : { kind: 'not-allowed', cloud };
  }
  return { kind: 'unknown' };
}
