/** What fits the words of a search. Apart, since few servers ever search: the library is loaded by the first that does. Pure. */
import MiniSearch from 'minisearch';
import type { JsonObject } from '../log/events.ts';
import { isObject, type Searchable, SEARCH_BOUNDS } from './search.ts';

/** UTF-16 units of a description that is searched. */
const SEARCHED_CHARS = 2_000;

/** The deferred tools that fit a query, best first; those that fit alike by name. */
export function searchTools<Tool extends Searchable>(
  definitions: readonly Tool[],
  query: string,
  limit: number,
): readonly Tool[] {
  const deferred = definitions.filter(tool => tool.deferred);
  const index = new MiniSearch<{
    readonly id: number;
    readonly name: string;
    readonly words: string;
    readonly more: string;
  }>({
    fields: ['name', 'words', 'more'],
    tokenize: wordsOf,
    processTerm: term => term,
    searchOptions: {
      boost: { name: 3, words: 1.5 },
      prefix: term => term.length > 2,
      fuzzy: term => (term.length > 4 ? 0.2 : false),
      combineWith: 'OR',
    },
  });
  index.addAll(
    deferred.map(({ name, description, parameters }, id) => ({
      id,
      name,
      words: (description ?? '').slice(0, SEARCHED_CHARS),
      more: propertiesOf(parameters).slice(0, SEARCHED_CHARS),
    })),
  );
  const exact = query.trim().toLowerCase();
  const score = ({ id, score: fit }: { readonly id: number; readonly score: number }): number =>
    deferred[id]?.name.toLowerCase() === exact ? Number.POSITIVE_INFINITY : fit;
  return index
    .search(query.slice(0, SEARCH_BOUNDS.queryChars))
    .map(hit => ({ tool: deferred[Number(hit.id)], fit: score({ id: Number(hit.id), score: hit.score }) }))
    .toSorted((a, b) => b.fit - a.fit || compareNames(a.tool, b.tool))
    .flatMap(({ tool }) => (tool === undefined ? [] : [tool]))
    .slice(0, limit);
}

function compareNames(a: Searchable | undefined, b: Searchable | undefined): number {
  return (a?.name ?? '') < (b?.name ?? '') ? -1 : 1;
}

/** `read_textFile` has the words read, text and file. */
function wordsOf(text: string): string[] {
  return text
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(word => word !== '');
}

function propertiesOf({ properties }: JsonObject): string {
  if (!isObject(properties)) return '';
  return Object.entries(properties)
    .map(([name, property]) => {
      const about = isObject(property) ? property['description'] : null;
      return `${name} ${typeof about === 'string' ? about : ''}`;
    })
    .join(' ');
}
