/** What a call of the official client failed with, as plain data to compare. */
import { APIError } from 'openai';

export interface Failure {
  readonly status: number | undefined;
  readonly code: string | null | undefined;
  readonly type: string | undefined;
  readonly param: string | null | undefined;
  readonly message: string;
  readonly headers: Headers | undefined;
  /** `error.details` of the body. */
  readonly details: { readonly [name: string]: unknown } | undefined;
}

/** Throws if the call succeeds, or fails with anything but an answer of the server. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  let value: unknown;
  try {
    value = await work;
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    const { status, code, type, param, message, headers } = error;
    const body = error.error as { readonly details?: Failure['details'] } | undefined;
    return { status, code, type, param, message, headers, details: body?.details };
  }
  throw new Error(`the call did not fail: ${JSON.stringify(value).slice(0, 300)}`);
}
