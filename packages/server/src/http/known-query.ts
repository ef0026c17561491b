/**
 * What a query may hold, by what the OpenAPI document says of the route, so that no route can be forgotten. A name that a route does not have is
 * refused under `/perdure/v1`: a filter with a slip of the pen would show everything. Elsewhere it is ignored, as clients of OpenAI's API send more
 * than a server knows. A name that takes one value and is given several is refused everywhere: whichever was taken, another would have been dropped.
 */
import { knownHint, perdureError, type RawQuery } from '@perdure/protocol';
import { rawQuery } from './query.ts';

const OURS = '/perdure/v1/';
/** What an error may repeat. */
const PLAIN = /^[\w.-]{1,64}$/;
/** A pair of what a route documents as `metadata[key]`. */
const PAIR = /^metadata\[[^\]]*\]$/;

/**
 * @param path of the table, with `:name` for what stands for a parameter
 * @throws unsupported_parameter, invalid_request
 */
export async function checkQuery(method: string, path: string, url: string | undefined): Promise<void> {
  if (url?.includes('?') !== true) return;
  const query = rawQuery(url);
  const ours = path.startsWith(OURS);
  // An answer to a client of OpenAI's API is looked at only where something is given twice: the document is not loaded for it.
  const names = ours ? Object.keys(query) : repeatedIn(query);
  if (names.length === 0) return;
  const known = (await queries()).get(`${method} ${formOf(path)}`) ?? [];
  const unknown = ours ? names.find(name => !known.includes(name)) : undefined;
  if (unknown !== undefined) throw unknownName(unknown, known);
  const repeated = repeatedIn(query).find(
    name => takesOne(name) && known.includes(PAIR.test(name) ? 'metadata[key]' : name),
  );
  if (repeated === undefined) return;
  throw perdureError(
    'invalid_request',
    `${told(repeated)} is given ${query[repeated]?.length ?? 0} times and takes one value.`,
    {
      param: PAIR.test(repeated) ? 'metadata' : repeated,
    },
  );
}

function repeatedIn(query: RawQuery): readonly string[] {
  return Object.entries(query).flatMap(([name, values = []]) => (values.length > 1 ? [name] : []));
}

/** What takes several says so by its name. */
function takesOne(name: string): boolean {
  return !name.endsWith('[]');
}

/** A pair's key is the client's own. */
function told(name: string): string {
  return PAIR.test(name) ? "A pair of 'metadata'" : `'${name}'`;
}

function unknownName(unknown: string, known: readonly string[]): Error {
  const plain = PLAIN.test(unknown);
  const missing = plain ? `There is no '${unknown}' here` : 'There is no such query parameter here';
  const hint = known.length === 0 ? 'this route takes no query' : knownHint(unknown, known);
  return perdureError('unsupported_parameter', `${missing} (${hint})`, { param: plain ? unknown : null });
}

let loaded: Promise<ReadonlyMap<string, readonly string[]>> | null = null;

/** By method and form of the path. Loaded when the first query comes: an idle server holds no document. */
function queries(): Promise<ReadonlyMap<string, readonly string[]>> {
  loaded ??= import('@perdure/protocol/openapi').then(
    ({ queryNamesOf, ROUTES }) =>
      new Map(ROUTES.map(route => [`${route.method.toUpperCase()} ${formOf(route.path)}`, queryNamesOf(route)])),
  );
  return loaded;
}

/** A path of either table with `*` for each parameter. */
function formOf(path: string): string {
  return path.replace(/:\w+|\{\w+\}/g, '*');
}
