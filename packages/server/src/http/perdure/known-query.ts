/**
 * A query parameter that a route does not have is refused under `/perdure/v1`: a filter with a slip of the pen would show everything. Elsewhere it is ignored, as
 * clients of OpenAI's API send more than a server knows. What a route has is what the OpenAPI document says, so none can be forgotten.
 */
import { didYouMean, perdureError } from '@perdure/protocol';
import { rawQuery } from '../query.ts';

const OURS = '/perdure/v1/';
/** What an error may repeat. */
const PLAIN = /^[\w.-]{1,64}$/;

export function refusesUnknown(path: string): boolean {
  return path.startsWith(OURS);
}

/**
 * @param path of the table, with `:name` for what stands for a parameter
 * @throws unsupported_parameter
 */
export async function checkQuery(method: string, path: string, url: string | undefined): Promise<void> {
  if (url?.includes('?') !== true) return;
  const given = Object.keys(rawQuery(url));
  if (given.length === 0) return;
  const known = (await queries()).get(`${method} ${formOf(path)}`) ?? [];
  const unknown = given.find(name => !known.includes(name));
  if (unknown === undefined) return;
  const plain = PLAIN.test(unknown);
  throw perdureError(
    'unsupported_parameter',
    `${plain ? `There is no '${unknown}' here` : 'There is no such query parameter here'} (${hintOf(unknown, known)})`,
    {
      param: plain ? unknown : null,
    },
  );
}

function hintOf(unknown: string, known: readonly string[]): string {
  if (known.length === 0) return 'this route takes no query';
  const near = didYouMean(unknown, known);
  return near === null ? `there are: ${known.join(', ')}` : `did you mean ${near}?`;
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
