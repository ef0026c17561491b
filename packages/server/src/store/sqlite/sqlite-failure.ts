/** What SQLite says -> what the port says. Crosses the worker's boundary as plain data. */
import type { StoreErrorCode } from '../store-error.ts';

export interface Failure {
  readonly code: StoreErrorCode | 'store_misuse';
  readonly message: string;
}

/** SQLite's primary result codes. */
const BUSY = 5;
const LOCKED = 6;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Thrown by our own code on the worker's side. */
export class StoreFailure extends Error {
  readonly failure: Failure;

  constructor(code: Failure['code'], message: string) {
    super(message);
    this.failure = { code, message };
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof StoreFailure) return error.failure;
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') {
    return { code: 'store_unavailable', message: `the store failed: ${message}` };
  }
  return { code: codeOf(error.errcode), message: `SQLite: ${message} (${error.errcode})` };
}

/** The same of a file that does not open: which one it is. What our own code throws names it already. */
export function openingFailure(error: unknown, path: string): Failure {
  const { code, message } = failureOf(error);
  return { code, message: message.includes(path) ? message : `${path}: ${message}` };
}

/** @param errcode an extended result code; its low byte is the primary one */
export function codeOf(errcode: number): StoreErrorCode {
  switch (errcode & 0xff) {
    case FULL:
      return 'store_full';
    case BUSY:
    case LOCKED:
      return 'store_locked';
    case CORRUPT:
    case NOTADB:
      return 'store_corrupt';
    case IOERR:
    case CANTOPEN:
    default:
      return 'store_unavailable';
  }
}
