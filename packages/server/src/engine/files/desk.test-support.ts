/** What files need of the world, in memory: blobs that can be looked at and made to fail, and pages that lie at addresses. */
import { perdureError } from '@perdure/protocol';
import type { HomeId } from '../../kernel/ids.ts';
import { storeError } from '../../store/store-error.ts';
import type { Blobs } from '../ports.ts';
import type { Fetched, FileDesk, FileLimits } from './desk.ts';

export const LIMITS: FileLimits = {
  fileBytes: 10_000_000,
  tenantBytes: 50_000_000,
  tenantFiles: 10,
  uploadMs: 60_000,
  attachedBytes: 1_000_000,
  cacheBytes: 1_000_000,
};

export class DeskInMemory implements FileDesk {
  readonly limits: FileLimits;
  /** By home and key. */
  readonly kept: Map<string, Uint8Array> = new Map();
  readonly pages: Map<string, Fetched> = new Map();
  readonly fetched: string[] = [];
  /** What each put waits for. */
  hold: Promise<void> = Promise.resolve();
  /** Of the blobs: fails as a disk would. */
  broken: 'put' | 'get' | 'delete' | null = null;

  constructor(limits: Partial<FileLimits> = {}) {
    this.limits = { ...LIMITS, ...limits };
  }

  blobs(home: HomeId): Blobs {
    const check = (what: typeof this.broken): void => {
      if (this.broken === what) throw storeError('store_unavailable', 'the disk is gone');
    };
    return {
      put: async (key, bytes) => {
        check('put');
        await this.hold;
        this.kept.set(`${home} ${key}`, bytes.slice());
      },
      get: async key => {
        check('get');
        return this.kept.get(`${home} ${key}`)?.slice() ?? null;
      },
      delete: async key => {
        check('delete');
        this.kept.delete(`${home} ${key}`);
      },
    };
  }

  readonly fetch = async (url: string): Promise<Fetched> => {
    this.fetched.push(url);
    const page = this.pages.get(url);
    if (page === undefined) throw perdureError('fetch_failed');
    return page;
  };
}
