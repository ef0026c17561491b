/** What a provider says when it refuses a request: the HTTP status and the fields of the usual error envelope. */
export interface Failure {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by everything that reads a request; the server turns it into the failure's HTTP answer. */
export class RequestRefused extends Error {
  /** Tells this error from others, also where the module is loaded twice. */
  readonly brand = 'perdure.emulator.refused' as const;
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'RequestRefused';
    this.failure = failure;
  }
}

/** The failure that an error carries, or null for an error of another kind (a defect of the emulator). */
export const failureOf = (error: unknown): Failure | null =>
  error instanceof Error && 'brand' in error && error.brand === 'perdure.emulator.refused'
    ? (error as RequestRefused).failure
    : null;

/** 400 `invalid_request_error`, the answer to almost every bad request. */
export const badRequest = (message: string, param: string | null, code: string | null): RequestRefused =>
  new RequestRefused({ status: 400, type: 'invalid_request_error', code, param, message });

/** 404 in the same envelope: an unknown path, model, response or item. */
export const notFound = (message: string, param: string | null = null, code: string | null = null): RequestRefused =>
  new RequestRefused({ status: 404, type: 'invalid_request_error', code, param, message });

/** The envelope: `{"error":{"message","type","param","code"}}`, indented as the real service does. */
export const failureBody = ({ message, type, param, code }: Failure): string =>
  JSON.stringify({ error: { message, type, param, code } }, null, 2);
