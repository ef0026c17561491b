/** Lists: OpenAI's cursor pages, and the query that asks for one. */
import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { fault, parseQuery, type Parsed } from './parse.ts';

export type ListPage<Entry> = {
  readonly object: 'list';
  readonly data: readonly Entry[];
  /** Null on an empty page. */
  readonly first_id: string | null;
  readonly last_id: string | null;
  /** Whether an entry follows `last_id` in the order asked for: looked up, never guessed from the page's length. */
  readonly has_more: boolean;
};

export function listPage<Entry extends { readonly id: string }>(
  data: readonly Entry[],
  hasMore: boolean,
): ListPage<Entry> {
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

/** The schema of a page. */
export function listPageSchema<Entry>(entry: z.ZodType<Entry>): z.ZodType<ListPage<Entry>> {
  return z.object({
    object: z.literal('list'),
    data: z.array(entry),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
}

export type ListQuery = {
  /** 1 to 100; default 20. */
  readonly limit: number;
  /** By time of creation; default `desc`. */
  readonly order: 'asc' | 'desc';
  /** The entry after which the page starts, in the order asked for. */
  readonly after?: string;
  /** The entry before which the page ends. Never together with `after`. */
  readonly before?: string;
  readonly include: readonly string[];
};

/** A query as it comes: each name with all its values. `Object.fromEntries` over `URLSearchParams.getAll` makes one. */
export type RawQuery = { readonly [name: string]: readonly string[] | undefined };

const text = z.string().max(LIMITS.idChars);
const id = text.min(1);

/** A page's length as a query has it: a whole number from 1 to `most`. */
export function pageLimit(most: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,6}$/, `must be a whole number from 1 to ${most}`)
    .transform(Number)
    .pipe(z.int().min(1).max(most));
}

/** The fields of a list query, once single values are unwrapped. Other lists add theirs to them. */
const fields = z.object({
  limit: pageLimit(LIMITS.listLimit).optional(),
  order: z.enum(['asc', 'desc']).optional(),
  after: id.optional(),
  before: id.optional(),
  include: z.array(text).max(LIMITS.include),
});

/** Reads the query of a list. A name given twice is an error, but for `include`. Unknown names are ignored. */
export function parseListQuery(query: RawQuery): Parsed<ListQuery> {
  return parseQuery(listQuery, flat(query));
}

/** What of an object its reader asks to see: the `include` of a query. Unknown names and values have no effect. */
export function parseIncludeQuery(query: RawQuery): Parsed<readonly string[]> {
  return parseQuery(includeQuery, { include: flat(query)['include'] });
}

/** `include` may be written `include=a&include=b`, `include[]=a` or `include[0]=a`. */
function flat(query: RawQuery): { readonly [name: string]: unknown } {
  const include: string[] = [];
  const single: { [name: string]: unknown } = {};
  for (const [name, values] of Object.entries(query)) {
    if (values === undefined || values.length === 0) continue;
    if (/^include(\[\d*\])?$/.test(name)) include.push(...values);
    else single[name] = values.length === 1 ? values[0] : values;
  }
  return { ...single, include };
}

const includeQuery: z.ZodType<readonly string[]> = z
  .object({ include: fields.shape.include })
  .transform(given => given.include);

export const listQuery: z.ZodType<ListQuery> = fields.transform((given, ctx): ListQuery => {
  const { limit, order, after, before, include } = given;
  if (after !== undefined && before !== undefined) {
    return fault(ctx, 'mutually_exclusive_parameters', "Give 'after' or 'before', not both.", ['before']);
  }
  return {
    limit: limit ?? LIMITS.listDefault,
    order: order ?? 'desc',
    include,
    ...(after !== undefined && { after }),
    ...(before !== undefined && { before }),
  };
});
