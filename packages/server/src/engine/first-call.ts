/** What a turn does first: compact its context, call the model, or both. Placed, and measured, before anything is committed. */
import type { LoggedItem } from '../log/events.ts';
import { type LaidCompaction, coveredItems, layCompaction } from './compaction/content.ts';
import { refuseForeign } from './compaction/input.ts';
import { boundsOf, fitContext } from './compaction/measure.ts';
import { expand } from './compaction/open-item.ts';
import { type CompactionPlan, planCompaction, planWhole } from './compaction/plan.ts';
import { COMPACTION, summaryCall } from './compaction/summary.ts';
import type { EngineContext } from './engine-context.ts';
import { NOTHING_ATTACHED } from './files/attach.ts';
import { purposeOf } from './infer-request.ts';
import type { LiveSession } from './live-session.ts';
import type { NotPlaced, PlacedCall, PlacingSubject } from './placing.ts';
import type { CallSettings, ContextRun } from './ports.ts';
import type { RespondRequest } from './respond.ts';

export interface FirstCall {
  readonly ok: true;
  /** Null if there is nothing to call a model for. */
  readonly placed: PlacedCall | null;
  readonly purpose: 'turn' | 'subagent' | typeof COMPACTION;
  readonly plan: CompactionPlan | null;
  /** The compaction, if no model has to be asked for it. */
  readonly laid: LaidCompaction | null;
}

export interface FirstCallInput {
  readonly request: RespondRequest;
  readonly subject: PlacingSubject;
  readonly live: LiveSession;
  /** The items of the request, as they are kept. */
  readonly items: readonly LoggedItem[];
  readonly settings: CallSettings;
  /** The id body of the turn. */
  readonly body: string;
  /** The position before its input. */
  readonly from: number;
}

/** @throws context_length_exceeded, unsupported_content */
export async function placeFirst(engine: EngineContext, input: FirstCallInput): Promise<FirstCall | NotPlaced> {
  const { request, live, items, settings } = input;
  const planned = { request: request.request, history: live.context.runs, items, settings };
  const plan =
    request.compacts === true ? planWhole(engine, planned) : planCompaction(engine, { ...planned, stored: true });
  if (plan !== null && engine.compaction.strategy === 'model') {
    const placed = placeSummary(engine, input, plan);
    // Where no model may be asked, what can be extracted is better than nothing.
    if (placed.ok) return { ok: true, placed, purpose: COMPACTION, plan, laid: null };
  }
  const laid = plan === null ? null : await lay(engine, input, plan);
  const purpose = purposeOf(live.state);
  if (plan !== null && plan.kind !== 'answer') return { ok: true, placed: null, purpose, plan, laid };
  const placed = placeTurn(engine, input, sentFirst(live, items, plan, laid));
  if (!placed.ok) return placed;
  refuseForeign(items, placed.target);
  return { ok: true, placed, purpose, plan, laid };
}

function lay(
  engine: EngineContext,
  { live, items, body, from }: FirstCallInput,
  plan: CompactionPlan,
): Promise<LaidCompaction> {
  const previous = live.state?.compacted ?? null;
  return layCompaction(engine, plan, { body, history: live.context.runs, input: items, from, previous });
}

function sentFirst(
  live: LiveSession,
  items: readonly LoggedItem[],
  plan: CompactionPlan | null,
  laid: LaidCompaction | null,
): readonly ContextRun[] {
  if (plan === null || laid === null) return [...live.context.runs, { items: expand(items) }];
  return [{ items: expand(laid.items) }, { items: expand(items.slice(plan.input)) }];
}

function placeTurn(
  engine: EngineContext,
  { request: { request, labels, attached = NOTHING_ATTACHED }, subject, live, items, settings }: FirstCallInput,
  context: readonly ContextRun[],
): PlacedCall | NotPlaced {
  const { model } = request;
  const sent = { model, settings, context };
  const fitting = fitContext(engine, sent, request.truncation ?? 'disabled');
  const files = live.context.attached + attached.bytes;
  const bytes = (live.context.bytes + JSON.stringify(items).length * 2) / 2 + files;
  return engine.placing.infer({
    ...subject,
    model,
    purpose: purposeOf(live.state),
    requestLabels: labels,
    ...boundsOf(engine, { ...sent, context: fitting }, bytes),
    avoid: [],
  });
}

function placeSummary(
  engine: EngineContext,
  { request: { request, labels }, subject, live, items }: FirstCallInput,
  plan: CompactionPlan,
): PlacedCall | NotPlaced {
  const { model } = request;
  const covered = coveredItems(plan, { history: live.context.runs, input: items });
  const { context, settings } = summaryCall(engine, model, covered, plan.budget);
  const bounds = boundsOf(engine, { model, context, settings }, live.context.bytes / 2);
  return engine.placing.infer({ ...subject, model, purpose: COMPACTION, requestLabels: labels, ...bounds, avoid: [] });
}
