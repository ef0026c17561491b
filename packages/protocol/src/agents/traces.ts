/** Traces of a session, as they are listed. */
import * as z from 'zod';
import { listPageSchema } from '../lists.ts';

/** OTLP in JSON: an `ExportTraceServiceRequest`. Its own specification says what is in it. */
const otlp = z.object({ resourceSpans: z.array(z.record(z.string(), z.unknown())) });

export const agentTraceSchema: z.ZodType<{ readonly id: string }> = z.object({
  id: z.string().meta({ description: 'The turn.' }),
  object: z.literal('agent.session.trace'),
  created_at: z.int().meta({ description: 'When the turn began, seconds since 1970.' }),
  session_id: z.string(),
  otlp: otlp.meta({ description: 'An ExportTraceServiceRequest of OTLP in JSON (docs/traces.md).' }),
});

export const traceListSchema: z.ZodType = listPageSchema(agentTraceSchema);
