/** What files need of the world: where bytes lie, what may be fetched, and the bounds. */
import { perdureError } from '@perdure/protocol';
import type { HomeId } from '../../kernel/ids.ts';
import type { Blobs } from '../ports.ts';

/** Bytes of one blob: what a file is held in memory by, whatever its size. */
export const CHUNK_BYTES: number = 4 * 1024 * 1024;
/** Addresses that one request may have fetched. */
export const MAX_FETCHES = 32;

export interface FileLimits {
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of the files that a tenant holds in one home. */
  readonly tenantBytes: number;
  /** Files that a tenant holds in one home. */
  readonly tenantFiles: number;
  /** From the first to the last byte of an upload, ms. What takes longer is swept. */
  readonly uploadMs: number;
  /** Bytes of files and addresses that the new input of one request may bring. */
  readonly attachedBytes: number;
  /** Bytes of resolved input kept in memory. */
  readonly cacheBytes: number;
}

export interface Fetched {
  readonly bytes: Uint8Array;
  /** Media type, without parameters. */
  readonly type: string;
  /** From the address. */
  readonly filename: string;
}

/**
 * Fetches what lies at an address, under the rules of egress.
 * @throws PerdureError egress_denied, fetch_failed, file_too_large, file_type_not_allowed
 */
export type FetchAddress = (
  url: string,
  ask: { readonly as: 'image' | 'file'; readonly mostBytes: number; readonly signal?: AbortSignal },
) => Promise<Fetched>;

export interface FileDesk {
  blobs(home: HomeId): Blobs;
  /** Null: addresses are passed on to the target, which fetches them itself. */
  readonly fetch: FetchAddress | null;
  readonly limits: FileLimits;
}

/** An engine that holds no files: ids are of none, and addresses are passed on. */
export const NO_FILES: FileDesk = {
  blobs: () => {
    throw perdureError('store_unavailable', 'This server holds no files.');
  },
  fetch: null,
  limits: { fileBytes: 0, tenantBytes: 0, tenantFiles: 0, uploadMs: 0, attachedBytes: 0, cacheBytes: 0 },
};
