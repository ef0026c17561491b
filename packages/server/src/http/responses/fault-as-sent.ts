/** Where a fault lies in the request as it was sent: the messages of a prompt were put before its input. */
import { type CreateResponse, isPerdureError, perdureError } from '@perdure/protocol';

/** The same fault with the parameter that the client knows. */
export function faultAsSent(
  thrown: unknown,
  { prompt_items: before = 0 }: Pick<CreateResponse, 'prompt_items'>,
): unknown {
  if (before === 0 || !isPerdureError(thrown)) return thrown;
  const [, index, rest] = /^input\[(\d+)\](.*)$/.exec(thrown.param ?? '') ?? [];
  if (index === undefined || rest === undefined) return thrown;
  const { code, message, status, details, retryAfterMs } = thrown;
  return perdureError(code, message, {
    // A message of the prompt is at fault for what stands in it.
    param: Number(index) < before ? 'prompt.variables' : `input[${Number(index) - before}]${rest}`,
    status,
    ...(details !== undefined && { details }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    cause: thrown,
  });
}
