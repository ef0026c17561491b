/** What the routes of Perdure's own answer, as schemas. The client checks answers against them. */
import * as z from 'zod';
import {
  type ClauseRef,
  PLACEMENT_ACTIONS,
  PLACEMENT_OUTCOMES,
  PLACEMENT_PURPOSES,
  type PlacementPage,
  type ReplayPage,
  type ReplaySnapshot,
  type PlacementResource,
  type WhatIfLeftOut,
  type WhatIfResult,
  type WhatIfRow,
} from './placements.ts';
import type {
  ContractResource,
  HealthResource,
  HomeResource,
  ReadyResource,
  StatusResource,
  TargetResource,
} from './status.ts';

const text = z.string();
const orNull = text.nullable();
const texts = z.array(text);
const count = z.int().min(0);
const seconds = z.int().min(0).meta({ description: 'Seconds since 1970.' });

const clause: z.ZodType<ClauseRef> = z.object({
  id: text,
  cite: text,
  contract: text,
  effect: z.enum(['permit', 'forbid']).exactOptional(),
});
const clauses = z.array(clause);
const action = z.enum(PLACEMENT_ACTIONS);
const outcome = z.enum(PLACEMENT_OUTCOMES);

export const placementSchema: z.ZodType<PlacementResource> = z.object({
  id: text,
  object: z.literal('perdure.placement'),
  created_at: seconds,
  tenant: text,
  session: text,
  response: orNull,
  action,
  purpose: z.enum(PLACEMENT_PURPOSES),
  tool: z.object({ name: text, origin: text }).nullable(),
  destination: z.object({ host: text, use: text }).nullable(),
  agent: z.object({ id: text, version: z.int() }).nullable(),
  key: orNull,
  use: z
    .object({
      turns: z.int(),
      items_read: z.int(),
      memory_reads: z.int(),
      tools_run: z.int(),
      files_touched: z.int(),
    })
    .nullable(),
  outcome,
  target: z.object({ id: text, cloud: text, region: text, vendor: text, model: text }).nullable(),
  home: orNull,
  class: orNull,
  reading: orNull,
  as_of: orNull,
  in_force: texts,
  clauses,
  rows: z.array(
    z.object({
      id: text,
      cloud: text,
      region: text,
      verdict: z.enum(['chosen', 'allowed', 'denied', 'unfit', 'unhealthy', 'full', 'error']),
      reason: text,
      clauses,
      cost_micro_usd: z.int().nullable(),
      latency_ms: z.number().nullable(),
      score: z.number().nullable(),
    }),
  ),
  flagged: clauses,
  enforced: z.boolean(),
  would_be: z.enum(['nothing', 'moved', 'refused']).nullable(),
  waivers: texts,
  conflict: z.object({ clauses, remedies: texts }).nullable(),
  explanation: text,
  usage: z
    .object({ input: count, cached: count, output: count, reasoning: count, written: count.exactOptional() })
    .nullable(),
  call: z.object({ status: z.enum(['open', 'completed', 'failed', 'unknown']) }),
});

export const placementPageSchema: z.ZodType<PlacementPage> = z.object({
  object: z.literal('list'),
  data: z.array(placementSchema),
  first_id: orNull,
  last_id: orNull,
  has_more: z.boolean(),
  next: orNull.meta({ description: 'Where the next page begins, as its `after`; null after the last one.' }),
});

const health = z.enum(['healthy', 'degraded', 'down', 'unknown']);

export const targetSchema: z.ZodType<TargetResource> = z.object({
  id: text,
  object: z.literal('perdure.target'),
  vendor: text,
  model: text,
  cloud: text,
  region: text,
  jurisdiction: orNull,
  sovereignty: orNull,
  accelerator: orNull,
  dialect: text,
  clearances: texts,
  prices: z
    .object({
      input: z.number(),
      cached_input: z.number(),
      cache_write: z.number(),
      output: z.number(),
      reasoning: z.number(),
    })
    .nullable(),
  capacity: count.nullable(),
  in_flight: count.nullable(),
  health,
  emulated: z.boolean(),
});

const home: z.ZodType<HomeResource> = z.object({
  id: text,
  object: z.literal('perdure.home'),
  cloud: text,
  region: text,
  jurisdiction: orNull,
  sovereignty: orNull,
  clearances: texts,
  store: text,
  health,
});
const contract: z.ZodType<ContractResource> = z.object({
  id: text,
  object: z.literal('perdure.contract'),
  title: text,
  from: orNull,
  to: orNull,
  in_force: z.boolean(),
  reading: orNull,
  readings: texts,
});

export const statusSchema: z.ZodType<StatusResource> = z.object({
  object: z.literal('perdure.status'),
  version: text,
  started_at: seconds,
  now: seconds,
  targets: z.array(targetSchema),
  homes: z.array(home),
  contracts: z.array(contract),
  reading: orNull,
  as_of: orNull,
  enforce: z.boolean(),
  activation: orNull,
  unenforced: z.object({ refused: count, moved: count, waived: count }).nullable(),
  draining: z.boolean(),
  workspaces: z.object({ isolation: z.enum(['bubblewrap', 'just-bash', 'unavailable']), why: orNull }),
  placements: z.array(placementSchema),
});

const side = z.object({ outcome, target: orNull, cloud: orNull, class: orNull, clauses });
const whatIfRow: z.ZodType<WhatIfRow> = z.object({
  placement: text,
  session: text,
  response: orNull,
  action,
  was: side,
  would_be: side,
  changed: z.boolean(),
  as_recorded: z.boolean().meta({
    description:
      'The contracts that it was decided on have no such reading, or are not all that are supposed: both sides are as they were.',
  }),
});
const leftOut: z.ZodType<WhatIfLeftOut> = z.object({
  contracts: texts,
  lacks: texts,
  without_reading: z.boolean(),
  placements: count,
  from: count,
  to: count,
});
export const whatIfSchema: z.ZodType<WhatIfResult> = z.object({
  object: z.literal('perdure.whatif'),
  reading: orNull,
  contracts: texts,
  as_of: orNull,
  rows: z.array(whatIfRow),
  changed: count,
  as_recorded: count.meta({ description: 'Rows that stay as they were recorded.' }),
  left_out: z
    .array(leftOut)
    .meta({ description: 'Which those are: what sets of contracts they were decided on, and when.' }),
  notice: orNull.meta({ description: 'The same in words; null if there are none.' }),
  truncated: z.boolean(),
});

export const healthSchema: z.ZodType<HealthResource> = z.object({ status: z.literal('ok') });
export const readySchema: z.ZodType<ReadyResource> = z.object({
  status: z.enum(['ready', 'starting', 'draining', 'unavailable']),
  checks: z.array(z.object({ name: text, ok: z.boolean() })),
});

export const replayPageSchema: z.ZodType<ReplayPage> = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      id: z.string(),
      at: z.int(),
      session: z.string(),
      call: z.boolean(),
      record: z.record(z.string(), z.unknown()),
      usage: z
        .object({ input: count, cached: count, output: count, reasoning: count, written: count.exactOptional() })
        .nullable(),
    }),
  ),
  next: orNull.meta({ description: 'Where the next page begins, as its `after`; null after the last one.' }),
});

export const replaySnapshotSchema: z.ZodType<ReplaySnapshot> = z.object({
  object: z.literal('perdure.replay_snapshot'),
  version: z.string(),
  document: z
    .string()
    .meta({ description: 'JSON: places, contracts, weights, events, waivers. No addresses, no secrets.' }),
});
