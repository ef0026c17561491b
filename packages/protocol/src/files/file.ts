/** `/v1/files`: files that a client uploads, in OpenAI's words. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { fault, parseQuery, type Parsed } from '../parse.ts';
import { pageLimit, type RawQuery } from '../lists.ts';

/** What a file may be for. OpenAI's others (`batch`, `fine-tune`, `evals`) are for work that this server does not do. */
export const FILE_PURPOSES = ['user_data', 'assistants', 'vision'] as const;
export type FilePurpose = (typeof FILE_PURPOSES)[number];
const UNOFFERED: ReadonlySet<string> = new Set(['batch', 'fine-tune', 'evals']);

/** Seconds. */
export const FILE_EXPIRY: { readonly least: number; readonly most: number } = { least: 3_600, most: 30 * 86_400 };
/** What a list takes as `limit`, and how many files a page holds at most: `has_more` says whether others follow. */
export const FILE_LIST_LIMIT = 10_000;
export const FILE_PAGE = 500;

export type FileResource = {
  readonly id: string;
  readonly object: 'file';
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly created_at: number;
  /** Seconds since 1970; absent if it does not expire. */
  readonly expires_at?: number;
  readonly filename: string;
  readonly purpose: string;
  readonly status: 'processed';
};
export type FileDeleted = { readonly id: string; readonly object: 'file'; readonly deleted: true };

export const fileSchema: z.ZodType<FileResource> = z.object({
  id: z.string(),
  object: z.literal('file'),
  bytes: z.int().min(0),
  created_at: z.int(),
  expires_at: z.int().exactOptional(),
  filename: z.string(),
  purpose: z.string(),
  status: z.literal('processed'),
});
export const fileDeletedSchema: z.ZodType<FileDeleted> = z.object({
  id: z.string(),
  object: z.literal('file'),
  deleted: z.literal(true),
});

/** What a form says beside the file itself. */
export type FileForm = {
  readonly purpose: FilePurpose;
  /** Seconds from its creation; null: never. */
  readonly expiresAfter: number | null;
};

const fileForm: z.ZodType<FileForm> = z
  .object({
    purpose: z.string().max(LIMITS.nameChars).optional(),
    expires_after: z.object({
      anchor: z.string().max(LIMITS.nameChars).optional(),
      seconds: z
        .string()
        .regex(/^\d{1,10}$/)
        .transform(Number)
        .pipe(z.int().min(FILE_EXPIRY.least).max(FILE_EXPIRY.most))
        .optional(),
    }),
  })
  .transform((form, ctx): FileForm => {
    const { purpose, expires_after: after } = form;
    const { anchor, seconds } = after;
    const known = FILE_PURPOSES.find(one => one === purpose);
    if (known === undefined) {
      const code = UNOFFERED.has(purpose ?? '') ? 'unsupported_parameter' : 'invalid_request';
      return fault(ctx, code, `'purpose' must be one of ${FILE_PURPOSES.join(', ')} here.`, ['purpose']);
    }
    if ((anchor === undefined) !== (seconds === undefined) || (anchor !== undefined && anchor !== 'created_at')) {
      const message = "'expires_after' needs the anchor 'created_at' and its seconds.";
      return fault(ctx, 'invalid_request', message, ['expires_after']);
    }
    return { purpose: known, expiresAfter: seconds ?? null };
  });

/** The form's fields as text, by their names: an object comes as `expires_after[anchor]` and `expires_after[seconds]`. */
export function parseFileForm(fields: { readonly [name: string]: string }): Parsed<FileForm> {
  const { purpose, 'expires_after[anchor]': anchor, 'expires_after[seconds]': seconds } = fields;
  return parseQuery(fileForm, { purpose, expires_after: { anchor, seconds } });
}

/** The form as the OpenAPI document tells it. */
export const uploadFileBody: z.ZodType = z.object({
  file: z.string().meta({ contentMediaType: 'application/octet-stream' }),
  purpose: z.enum(FILE_PURPOSES),
  expires_after: z
    .object({ anchor: z.literal('created_at'), seconds: z.int().min(FILE_EXPIRY.least).max(FILE_EXPIRY.most) })
    .optional(),
});

export type FileListQuery = {
  readonly purpose: string | null;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after: string | null;
};

const listQuery: z.ZodType<FileListQuery> = z
  .object({
    purpose: z.string().max(LIMITS.nameChars).optional(),
    order: z.enum(['asc', 'desc']).optional(),
    after: z.string().min(1).max(LIMITS.idChars).optional(),
    limit: pageLimit(FILE_LIST_LIMIT).optional(),
  })
  .transform(({ purpose, order, after, limit }) => ({
    purpose: purpose ?? null,
    order: order ?? 'desc',
    after: after ?? null,
    limit: Math.min(limit ?? FILE_PAGE, FILE_PAGE),
  }));

export function parseFileListQuery(query: RawQuery): Parsed<FileListQuery> {
  const given = Object.entries(query).flatMap(([name, values]) =>
    values === undefined || values.length === 0 ? [] : [[name, values.length === 1 ? values[0] : values] as const],
  );
  return parseQuery(listQuery, Object.fromEntries(given));
}
