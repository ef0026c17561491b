/** Files as this deployment holds them: bytes in a folder beside each home's rows, addresses under the rules of egress, a sweep from time to time. */
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { FileDesk } from '../engine/files/desk.ts';
import type { Blobs } from '../engine/ports.ts';
import type { HomeId } from '../kernel/ids.ts';
import { makeAddressFetcher } from '../provider/egress/fetch-address.ts';
import { openDirectoryBlobs } from '../store/blobs/directory-blobs.ts';
import type { Config } from './config/config.ts';
import { VERSION } from './version.ts';

export interface OpenFiles {
  readonly desk: FileDesk;
  close(): Promise<void>;
}

export function openFiles({ data, egress, limits }: Config): OpenFiles {
  const opened = new Map<HomeId, Blobs>();
  const fetcher = egress.mode === 'passthrough' ? null : makeAddressFetcher(egress, `perdure/${VERSION}`);
  return {
    desk: {
      blobs(home) {
        const blobs = opened.get(home) ?? openDirectoryBlobs(join(data, 'blobs', home));
        opened.set(home, blobs);
        return blobs;
      },
      fetch: fetcher?.fetch ?? null,
      limits: {
        fileBytes: limits.fileBytes,
        tenantBytes: limits.tenantFileBytes,
        tenantFiles: limits.tenantFiles,
        uploadMs: limits.uploadMs,
        attachedBytes: limits.attachedBytes,
        cacheBytes: limits.fileCacheBytes,
      },
    },
    close: async () => fetcher?.close(),
  };
}

/** Sweeps now and every `ms`, one sweep at a time. @returns what ends it, once the one under way has ended */
export function sweepFiles(
  engine: Pick<Engine, 'files'>,
  ms: number,
  report: (what: string, error: unknown) => void,
): () => Promise<void> {
  let under: Promise<unknown> | null = null;
  const sweep = (): void => {
    under ??= engine.files
      .sweep()
      .catch((error: unknown) => report('file.sweep', error))
      .finally(() => (under = null));
  };
  sweep();
  const timer = setInterval(sweep, ms).unref();
  return async () => {
    clearInterval(timer);
    await under;
  };
}
