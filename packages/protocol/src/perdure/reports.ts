/** What the record says of a window: sessions that were stateful in name only, what each cloud could see, calls with one legal target. Never content. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { RawQuery } from '../lists.ts';
import { parseQuery, type Parsed } from '../parse.ts';

/** What calls came to. Amounts are decimal texts of whole micro-dollars. */
export type Carried = {
  readonly calls: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_micro_usd: string;
  readonly revenue_micro_usd: string;
};

/** What a report could not take in. */
export type LeftOut = {
  /** Placements of which what they were decided on is not kept any more. */
  readonly placements_without_snapshot: number;
  /** Refused before any contract was asked: their product was not configured. */
  readonly placements_without_contracts: number;
};

/** What a session did with its state, by its log. */
export type SessionUse = {
  readonly turns: number;
  readonly items_read: number;
  readonly memory_reads: number;
  readonly tools_run: number;
  readonly files_touched: number;
};

export type StatefulnessGroup = {
  readonly product: string;
  readonly sessions: number;
  readonly in_name_only: number;
  readonly carried: Carried;
  readonly carried_in_name_only: Carried;
};

/** By which rule sessions were told apart. */
export type StatefulnessRule = {
  /** `openai-2026-02@2026-02-27:substance`; `built-in` where no contract that binds them has a reading `substance`. */
  readonly rule: string;
  readonly sessions: number;
  readonly in_name_only: number;
};

export type StatefulnessReport = {
  readonly object: 'perdure.report.statefulness';
  /** `cost` while no rate card is configured: then all revenue is 0. */
  readonly money: 'revenue' | 'cost';
  readonly sessions: number;
  readonly in_name_only: number;
  readonly rules: readonly StatefulnessRule[];
  readonly carried: Carried;
  readonly carried_in_name_only: Carried;
  /** Hundredths of a percent; null of nothing. */
  readonly share: { readonly [of in 'calls' | 'tokens' | 'cost' | 'revenue']: number | null };
  readonly products: readonly StatefulnessGroup[];
  /** The first 100. */
  readonly named: readonly {
    readonly session: string;
    readonly tenant: string;
    readonly product: string;
    readonly channel: string;
    readonly use: SessionUse;
    readonly carried: Carried;
  }[];
  readonly left_out: LeftOut & {
    /** Their log cannot be read. */
    readonly sessions_without_log: number;
    /** The definition of the reading could not be evaluated. */
    readonly sessions_without_class: number;
  };
};

export type CloudView = {
  readonly cloud: string;
  /** What its machines were asked: inference. */
  readonly inference: Carried & { readonly sessions: number; readonly share_of_calls: number | null };
  /** What its stores keep: sessions whose home it is, and beside them files and environments that belong to no session. */
  readonly state: {
    readonly sessions: number;
    readonly share_of_sessions: number | null;
    readonly apart: number;
  };
  /** Tools that ran there, and what left for there: recorded while a contract in force speaks of them. */
  readonly execute: { readonly runs: number; readonly sessions: number };
  readonly egress: { readonly transfers: number; readonly sessions: number };
  readonly products: readonly string[];
  /** Labels that sessions or requests carried when they went there. */
  readonly labels: readonly string[];
};

export type VisibilityReport = {
  readonly object: 'perdure.report.visibility';
  readonly calls: number;
  /** Whose state is held; a file or an environment alone is none. */
  readonly sessions: number;
  readonly clouds: readonly CloudView[];
  readonly left_out: LeftOut;
};

export type LockInGroup = {
  readonly product: string;
  readonly calls: number;
  /** The clauses left one target of several; in monitor mode, would have left. */
  readonly one_legal: number;
  /** One target serves the model at all, and it is legal. */
  readonly one_configured: number;
  /** All legal targets are on one cloud, however many there are. */
  readonly one_cloud: number;
  readonly none_legal: number;
  /** Of the calls, those that monitor mode decided: counted as enforcing would have had them. */
  readonly monitored: number;
};

export type LockInReport = Omit<LockInGroup, 'product'> & {
  readonly object: 'perdure.report.lock_in';
  /** Hundredths of a percent of the calls; null of no calls. */
  readonly share: { readonly one_legal: number | null; readonly one_configured: number | null };
  readonly products: readonly LockInGroup[];
  /** Clauses that excluded targets of calls that were left with one, and of how many. */
  readonly clauses: readonly { readonly clause: string; readonly calls: number }[];
  readonly left_out: LeftOut;
};

const text = z.string();
const count = z.int().min(0);
const share = count.nullable().meta({ description: 'Hundredths of a percent; null of nothing.' });
const carriedFields = {
  calls: count,
  input_tokens: count,
  output_tokens: count,
  cost_micro_usd: text,
  revenue_micro_usd: text,
};
const carried: z.ZodType<Carried> = z.object(carriedFields);
const leftOut = { placements_without_snapshot: count, placements_without_contracts: count };
const group = { sessions: count, in_name_only: count };
const carriedBy = { carried, carried_in_name_only: carried };

export const statefulnessSchema: z.ZodType<StatefulnessReport> = z.object({
  object: z.literal('perdure.report.statefulness'),
  money: z.enum(['revenue', 'cost']),
  ...group,
  rules: z.array(z.object({ rule: text, ...group })),
  ...carriedBy,
  share: z.object({ calls: share, tokens: share, cost: share, revenue: share }),
  products: z.array(z.object({ product: text, ...group, ...carriedBy })),
  named: z.array(
    z.object({
      session: text,
      tenant: text,
      product: text,
      channel: text,
      use: z.object({
        turns: count,
        items_read: count,
        memory_reads: count,
        tools_run: count,
        files_touched: count,
      }),
      carried,
    }),
  ),
  left_out: z.object({ ...leftOut, sessions_without_log: count, sessions_without_class: count }),
});

export const visibilitySchema: z.ZodType<VisibilityReport> = z.object({
  object: z.literal('perdure.report.visibility'),
  calls: count,
  sessions: count,
  clouds: z.array(
    z.object({
      cloud: text,
      inference: z.object({ ...carriedFields, sessions: count, share_of_calls: share }),
      state: z.object({ sessions: count, share_of_sessions: share, apart: count }),
      execute: z.object({ runs: count, sessions: count }),
      egress: z.object({ transfers: count, sessions: count }),
      products: z.array(text),
      labels: z.array(text),
    }),
  ),
  left_out: z.object(leftOut),
});

const lockedIn = {
  calls: count,
  one_legal: count,
  one_configured: count,
  one_cloud: count,
  none_legal: count,
  monitored: count,
};
export const lockInSchema: z.ZodType<LockInReport> = z.object({
  object: z.literal('perdure.report.lock_in'),
  ...lockedIn,
  share: z.object({ one_legal: share, one_configured: share }),
  products: z.array(z.object({ product: text, ...lockedIn })),
  clauses: z.array(z.object({ clause: text, calls: count })),
  left_out: z.object(leftOut),
});

export type ReportQuery = {
  /** Of the recording: a day or a moment, UTC; inclusive. */
  readonly from?: string;
  /** Exclusive. */
  readonly to?: string;
  /** Absent: the key's own. `*`: all, for keys that see all. */
  readonly tenant?: string;
};

const word = text.min(1).max(LIMITS.idChars).exactOptional();
const reportFields = z.object({ from: word, to: word, tenant: word });

export function parseReportQuery(query: RawQuery): Parsed<ReportQuery> {
  const single = Object.entries(query).map(([name, values]) => [name, values?.length === 1 ? values[0] : values]);
  return parseQuery(reportFields, Object.fromEntries(single));
}
