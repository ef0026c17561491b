/** A file's bytes as a row of blobs, each of `CHUNK_BYTES` but the last: so that no file is ever in memory whole. */
import { createHash } from 'node:crypto';
import type { TenantId } from '../../kernel/ids.ts';
import type { Blobs } from '../ports.ts';
import { CHUNK_BYTES } from './desk.ts';
import { blobKey } from './file-id.ts';

type Wait = <T>(work: Promise<T>) => Promise<T>;

export interface Place {
  readonly tenant: TenantId;
  readonly id: string;
}

export function chunksOf(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES);
}

/** Gathers what is written into chunks and lays them down, one at a time. */
export class ChunkWriter {
  readonly #blobs: Blobs;
  readonly #place: Place;
  readonly #wait: Wait;
  #parts: Uint8Array[] = [];
  #held = 0;
  readonly #hash = createHash('sha256');
  #last: Promise<unknown> = Promise.resolve();
  chunks = 0;
  bytes = 0;

  constructor(blobs: Blobs, place: Place, wait: Wait) {
    this.#blobs = blobs;
    this.#place = place;
    this.#wait = wait;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + CHUNK_BYTES - this.#held);
      this.#parts.push(part);
      this.#held += part.length;
      this.bytes += part.length;
      from += part.length;
      if (this.#held === CHUNK_BYTES) await this.#flush();
    }
  }

  /** Resolves once nothing is on its way to the blobs, however long ago it was given up. */
  get settled(): Promise<unknown> {
    return this.#last;
  }

  /** Lays down what is left. @returns SHA-256 of all of it, hex */
  async finish(): Promise<string> {
    await this.#flush();
    return this.#hash.digest('hex');
  }

  async #flush(): Promise<void> {
    if (this.#held === 0) return;
    const whole = joined(this.#parts, this.#held);
    this.#parts = [];
    this.#held = 0;
    const { tenant, id } = this.#place;
    const put = this.#blobs.put(blobKey(tenant, id, this.chunks), whole);
    this.#last = put.catch(() => undefined);
    await this.#wait(put);
    this.chunks += 1;
  }
}

/** @throws if a blob is not there: the row said that it is */
export async function* readChunks(
  blobs: Blobs,
  { tenant, id, chunks }: Place & { readonly chunks: number },
  wait: Wait,
): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < chunks; index++) {
    const bytes = await wait(blobs.get(blobKey(tenant, id, index)));
    if (bytes === null) throw new Error(`blob ${index} of file ${id} is absent`);
    yield bytes;
  }
}

/** All of it, for what is small enough to be sent to a model. */
export async function readWhole(
  blobs: Blobs,
  of: Place & { readonly chunks: number },
  wait: Wait,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of readChunks(blobs, of, wait)) {
    parts.push(part);
    length += part.length;
  }
  return joined(parts, length);
}

export async function removeChunks(
  blobs: Blobs,
  { tenant, id, chunks }: Place & { readonly chunks: number },
  wait: Wait,
): Promise<void> {
  for (let index = 0; index < chunks; index++) await wait(blobs.delete(blobKey(tenant, id, index)));
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
