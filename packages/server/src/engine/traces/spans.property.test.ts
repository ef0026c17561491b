import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVENTS, EVENT_TYPES } from '../../log/event.test-support.ts';
import type { EventBody } from '../../log/events.ts';
import { tracesOf } from './otlp.ts';
import { otlpTraces } from './otlp-schema.test-support.ts';
import { spansOf } from './spans.ts';
import { logged, sha256, turnOf } from './turn.test-support.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 300);
const body: fc.Arbitrary<EventBody> = fc.oneof(...EVENT_TYPES.map(type => EVENTS[type] as fc.Arbitrary<EventBody>));
const bodies = fc.array(body, { maxLength: 30 });

test('any events make a trace that receivers take, or none: one root, all others below it, no id twice', () => {
  fc.assert(
    fc.property(bodies, fc.boolean(), (log, content) => {
      const spans = spansOf(sha256, turnOf(log, { content }));
      otlpTraces.parse(tracesOf(spans));
      const ended = log.some(({ type }) => /^turn\.(completed|failed|cancelled)$/.test(type));
      expect(spans.length > 0).toBe(ended);
      if (!ended) return;
      const [root, ...rest] = spans;
      expect(root?.parentSpanId).toBeUndefined();
      // What a program calls is below its run, which began before.
      const above = new Set([root?.spanId]);
      for (const span of rest) {
        expect(above).toContain(span.parentSpanId);
        above.add(span.spanId);
      }
      expect(new Set(spans.map(span => span.traceId)).size).toBe(1);
      expect(new Set(spans.map(span => span.spanId)).size).toBe(spans.length);
    }),
    { numRuns: RUNS },
  );
});

test('the trace is made of the log alone: erased, it is the one without content (T2)', () => {
  fc.assert(
    fc.property(bodies, log => {
      const erased = logged(log).map(event => ({ ...event, payload: null }));
      const without = spansOf(sha256, turnOf(log));
      expect(spansOf(sha256, turnOf(log, { events: erased }))).toEqual(without);
      expect(spansOf(sha256, turnOf(log, { events: erased, content: true }))).toEqual(without);
    }),
    { numRuns: RUNS },
  );
});
