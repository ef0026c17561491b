/** Errors of stores. They are known by brand: a class does not cross a worker's boundary. */
import type { StoreError } from '../engine/ports.ts';

export type StoreErrorCode = StoreError['storeError'];

/** The message is for operators: it may name files, never content. */
export function storeError(code: StoreErrorCode, message: string, options?: ErrorOptions): StoreError {
  return Object.assign(new Error(message, options), { storeError: code });
}

/** A caller broke the port's rules (sizes, order, ranges): a defect of ours, refused before anything is done. */
export class StoreMisuse extends Error {
  readonly code = 'store_misuse';
}
