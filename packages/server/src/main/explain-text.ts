/** A hypothetical call's decision as a table and as JSON. */
import type { Decision } from '../placement/decision.ts';
import { explainTable, freedomText } from '../placement/explain.ts';
import { type Freeing, freeingText } from '../placement/free.ts';
import type { Explanation, HypotheticalCall, KnownNow } from './explain.ts';
import type { SnapshotDocument } from './snapshots.ts';

export function textOf({ state, infer, run, freeing, freeingState }: Explanation): string {
  const parts: readonly (readonly [title: string, Decision | null, readonly Freeing[]])[] = [
    ['STATE', state, freeingState],
    ['CALL', infer, freeing],
    ['RUN', run, freeing],
  ];
  return parts
    .flatMap(([title, decision, freed]) =>
      decision === null ? [] : [`${title}\n${explainTable(decision, false)}${freeingLines(decision, freed)}\n`],
    )
    .join('\n');
}

function freeingLines({ conflict }: Decision, freeing: readonly Freeing[]): string {
  const without = conflict?.frees.filter(({ kind }) => kind === 'clause').map(freedomText) ?? [];
  const lines = [...without, ...freeing.map(freeingText)];
  return lines.length === 0 ? '' : `\n\none change would free it:\n${lines.map(line => `  ${line}`).join('\n')}`;
}

export function callJson(call: HypotheticalCall, document: SnapshotDocument, { spend }: KnownNow): object {
  const { asked } = call;
  return {
    action: asked.action,
    tenant: call.tenant,
    model: call.model,
    product: call.product,
    channel: call.channel,
    segment: call.segment,
    stored: call.stateHeld,
    purpose: call.purpose,
    agent: call.agent,
    key: call.principal?.key ?? null,
    scopes: call.principal?.scopes ?? null,
    labels: call.labels,
    request_labels: call.requestLabels,
    tool: asked.action === 'execute' ? asked.tool : null,
    destination: asked.action === 'egress' ? asked.destination : null,
    as_of: new Date(call.at).toISOString(),
    reading: document.reading,
    events: (document.events ?? []).map(({ id, date }) => ({ id, date })),
    spend_micro_usd: spend,
    input_tokens: call.inputTokens,
    output_tokens: call.outputTokens,
  };
}

interface DecidedJson extends Pick<Decision, 'outcome' | 'code' | 'chosen' | 'classes' | 'flagged' | 'conflict'> {
  readonly in_force: Decision['inForce'];
  readonly rows: readonly object[];
  /** Single changes, each of which would have it placed. */
  readonly freed_by: readonly Freeing[];
}

export interface ExplanationJson {
  readonly state: DecidedJson | null;
  readonly infer: DecidedJson | null;
  readonly run: DecidedJson | null;
}

export function explanationJson({ state, infer, run, freeing, freeingState }: Explanation): ExplanationJson {
  return {
    state: decisionJson(state, freeingState),
    infer: decisionJson(infer, freeing),
    run: decisionJson(run, freeing),
  };
}

function decisionJson(decision: Decision | null, freed: readonly Freeing[]): DecidedJson | null {
  if (decision === null) return null;
  return {
    outcome: decision.outcome,
    code: decision.code,
    chosen: decision.chosen,
    classes: decision.classes,
    in_force: decision.inForce,
    rows: decision.rows.map(row => ({
      id: row.place,
      cloud: row.cloud,
      region: row.region,
      verdict: row.verdict,
      against: row.exclusions,
      flagged: row.flagged,
      permits: row.permits,
      lacks: row.lacks,
      cost_micro_usd: row.cost,
      latency_ms: row.latencyMs,
      score: row.score,
    })),
    flagged: decision.flagged,
    conflict: decision.conflict,
    freed_by: freed,
  };
}
