/** Calls that nobody makes: what the server would decide, on what it knows now. Amounts are integers in micro-USD. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { boundedList, type Parsed } from '../parse.ts';
import { parseOwnBody } from './own-body.ts';
import { PLACEMENT_PURPOSES } from './placements.ts';

/** What tenants spent, in the calendar month (UTC) and in all. */
export type SpendSoFar = { readonly month: number; readonly total: number };

/** What decisions see now, beside the call and the contracts. */
export type DecisionFacts = {
  readonly object: 'perdure.decision_facts';
  /** The activation in force. */
  readonly activation: string;
  readonly tenant: string;
  /** Null: no clause in force asks, or it is not counted yet. */
  readonly spend: SpendSoFar | null;
  /** By target. */
  readonly health: {
    readonly [target: string]: {
      readonly state: 'up' | 'down' | 'full';
      /** Calls of all tenants; null for who does not see all tenants. */
      readonly in_flight: number | null;
      readonly expected_latency_ms: number;
      readonly retry_after_ms: number | null;
    };
  };
  /** By target: parts per million of what is spent there that it saves elsewhere. Of what all tenants spend; null for who does not see all. */
  readonly shadow_ppm: { readonly [target: string]: number } | null;
};

export const RIGHT_STATES = ['none', 'offered', 'accepted', 'declined', 'lapsed'] as const;
export const EXPLAINED_ACTIONS = ['infer', 'execute', 'egress'] as const;
export const TOOL_ORIGINS = ['builtin', 'module', 'mcp'] as const;
export const DESTINATION_USES = ['mcp', 'web', 'command', 'file', 'traces'] as const;
export const SEGMENTS = ['commercial', 'us-gov', 'us-natsec'] as const;

/** A call that nobody makes. What is absent is as the command line takes it. */
export type ExplainRequest = {
  readonly action?: (typeof EXPLAINED_ACTIONS)[number];
  readonly tenant?: string;
  /** The name or id of a key of the tenant. What it was sold is taken from it, where the request does not say. */
  readonly key?: string;
  /** Instead of those that the key has; with them a key that is not there can be supposed. */
  readonly scopes?: readonly string[];
  /** By its id or name. Without a version the one in force; with one, an agent that is not there can be supposed. */
  readonly agent?: { readonly id: string; readonly version?: number };
  readonly model?: string;
  readonly product?: string;
  readonly channel?: string;
  readonly segment?: (typeof SEGMENTS)[number];
  /** Whether state is kept for the caller. Absent: yes. */
  readonly stored?: boolean;
  readonly purpose?: string;
  /** Of what the session has read. */
  readonly labels?: readonly string[];
  readonly request_labels?: readonly string[];
  /** Of `execute`. */
  readonly tool?: { readonly name: string; readonly origin?: (typeof TOOL_ORIGINS)[number] };
  /** Of `egress`. */
  readonly destination?: { readonly host: string; readonly use?: (typeof DESTINATION_USES)[number] };
  /** A day or a moment, UTC. */
  readonly as_of?: string;
  readonly reading?: string;
  readonly events?: readonly { readonly id: string; readonly date: string }[];
  readonly rights?: readonly { readonly id: string; readonly state: (typeof RIGHT_STATES)[number] }[];
  readonly spend?: SpendSoFar;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
};

type Decided = { readonly outcome: string; readonly code: string | null; readonly chosen: string | null };
/** As `perdure explain --json` writes it. */
export type ExplanationResource = {
  readonly object: 'perdure.explanation';
  readonly basis: { readonly source: string; readonly activation: string | null };
  readonly call: { readonly tenant: string; readonly model: string };
  readonly state: Decided | null;
  readonly infer: Decided | null;
  readonly run: Decided | null;
  /** The same in words. */
  readonly text: string;
  /** What was supposed though it is not there. */
  readonly warnings: readonly string[];
};

const text = z.string();
const word = text.min(1).max(LIMITS.nameChars);
const count = z.int().min(0);
const spend: z.ZodType<SpendSoFar> = z.strictObject({ month: count, total: count });
const when = text.max(40).meta({ description: 'A day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z, in UTC.' });
const list = <T>(of: z.ZodType<T>): z.ZodType<readonly T[]> => boundedList(of, LIMITS.explainSupposed);
const tokens = z.int().min(0).max(1_000_000_000);

export const decisionFactsSchema: z.ZodType<DecisionFacts> = z.object({
  object: z.literal('perdure.decision_facts'),
  activation: text,
  tenant: text,
  spend: spend.nullable(),
  health: z.record(
    text,
    z.object({
      state: z.enum(['up', 'down', 'full']),
      in_flight: count.nullable(),
      expected_latency_ms: count,
      retry_after_ms: count.nullable(),
    }),
  ),
  shadow_ppm: z.record(text, count).nullable(),
});

export const explainBody: z.ZodType<ExplainRequest> = z.strictObject({
  action: z.enum(EXPLAINED_ACTIONS).exactOptional(),
  tenant: word.exactOptional(),
  key: word.exactOptional(),
  scopes: list(word).exactOptional(),
  agent: z.strictObject({ id: word, version: z.int().min(1).max(999_999_999).exactOptional() }).exactOptional(),
  model: word.exactOptional(),
  product: word.exactOptional(),
  channel: word.exactOptional(),
  segment: z.enum(SEGMENTS).exactOptional(),
  stored: z.boolean().exactOptional(),
  purpose: z.enum(PLACEMENT_PURPOSES).exactOptional(),
  labels: list(word).exactOptional(),
  request_labels: list(word).exactOptional(),
  tool: z.strictObject({ name: word, origin: z.enum(TOOL_ORIGINS).exactOptional() }).exactOptional(),
  destination: z.strictObject({ host: word, use: z.enum(DESTINATION_USES).exactOptional() }).exactOptional(),
  as_of: when.exactOptional(),
  reading: word.exactOptional(),
  events: list(z.strictObject({ id: word, date: when })).exactOptional(),
  rights: list(z.strictObject({ id: word, state: z.enum(RIGHT_STATES) })).exactOptional(),
  spend: spend.exactOptional(),
  input_tokens: tokens.exactOptional(),
  output_tokens: tokens.min(1).exactOptional(),
});

const decided: z.ZodType<Decided> = z.looseObject({ outcome: text, code: text.nullable(), chosen: text.nullable() });
export const explanationSchema: z.ZodType<ExplanationResource> = z.looseObject({
  object: z.literal('perdure.explanation'),
  basis: z.looseObject({ source: text, activation: text.nullable() }),
  call: z.looseObject({ tenant: text, model: text }),
  state: decided.nullable(),
  infer: decided.nullable(),
  run: decided.nullable(),
  text,
  warnings: z.array(text),
});

export function parseExplain(body: unknown): Parsed<ExplainRequest> {
  return parseOwnBody(explainBody, body);
}
