import { ERRORS, type ErrorCode, perdureError } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ResponseId } from '../kernel/ids.ts';
import type { LogEvent } from '../log/events.ts';
import { failureFrom, failurePayload } from './failure-record.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];
const wait = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY));
const details = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.string(), { maxLength: 3 })),
);

test('whatever an error says comes back from the text of the log', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...codes),
      fc.string(),
      fc.record(
        {
          param: fc.option(fc.string(), { nil: null }),
          details,
          retryAfterMs: wait,
          status: fc.integer({ min: 400, max: 599 }),
        },
        { requiredKeys: [] },
      ),
      (code, message, options) => {
        const error = perdureError(code, message, options);
        const payload = JSON.parse(JSON.stringify(failurePayload(error))) as ReturnType<typeof failurePayload>;
        const failed = { type: 'turn.failed', head: { response: 'resp_1' as ResponseId, code }, payload } as LogEvent;
        const back = failureFrom({ code, message: payload.message }, [failed]);
        const told = ({ param, status, type, next, details: more, retryAfterMs, ...rest }: typeof error) => [
          [rest.code, error.message, param, status, type, next],
          JSON.stringify(more),
          // Zero has one sign in JSON.
          retryAfterMs === undefined ? null : retryAfterMs + 0,
        ];
        expect(told(back)).toEqual(told(error));
        expect(back.message).toBe(message);
      },
    ),
  );
});
