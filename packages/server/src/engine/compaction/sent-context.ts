/** What a stateless call is sent: what it continues, compacted if it asks for that, cut if it may be. */
import { placementId } from '../../kernel/ids.ts';
import { type LoggedItem, NO_IDS, NO_USAGE } from '../../log/events.ts';
import type { Step } from '../../log/steps.ts';
import { sumUsage } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import type { CallSettings, ContextRun } from '../ports.ts';
import type { StatelessRequest } from '../stateless.ts';
import { compactedItems, compactionSteps, coveredItems } from './content.ts';
import { fitContext } from './measure.ts';
import { expand } from './open-item.ts';
import { type CompactionPlan, planCompaction } from './plan.ts';
import { type StatelessSummary, statelessSummary } from './stateless-summary.ts';

export interface SentContext {
  /** What it is sent. */
  readonly context: readonly ContextRun[];
  /** What its answer begins with; null if nothing was compacted. */
  readonly compaction: { readonly sealed: LoggedItem; readonly summary: StatelessSummary | null } | null;
  /** The same before it was cut to fit: what came before the input, and the input that is left. */
  readonly history: readonly ContextRun[];
  readonly input: readonly LoggedItem[];
  /** Whether a model is to answer. */
  readonly answers: boolean;
}

/** @throws context_length_exceeded */
export async function statelessContext(
  engine: EngineContext,
  { caller, request, signal }: StatelessRequest,
  given: {
    readonly history: readonly ContextRun[];
    readonly items: readonly LoggedItem[];
    readonly settings: CallSettings;
    readonly labels: readonly string[];
    readonly body: string;
  },
): Promise<SentContext> {
  const { history, items, settings, labels, body } = given;
  const { model } = request;
  const plan = planCompaction(engine, { request, history, items, settings, stored: false });
  const done = plan === null ? null : await carryOut(plan);
  const rest = { items: expand(plan === null ? items : items.slice(plan.input)) };
  const before = done === null ? history : [{ items: done.content }];
  const context = [...before, rest];
  const answers = plan === null || plan.kind === 'answer';
  const sent = { model, settings, context };
  return {
    context: answers ? fitContext(engine, sent, request.truncation ?? 'disabled') : context,
    compaction: done,
    history: before,
    input: rest.items,
    answers,
  };

  async function carryOut(one: CompactionPlan) {
    const covered = coveredItems(one, { history, input: items });
    const asked = { caller, model, labels, items: covered, budget: one.budget, signal };
    const summary = await statelessSummary(engine, asked);
    const open = await compactedItems(engine, covered, one, {
      body,
      ...(summary !== null && { summary: summary.text }),
    });
    const [sealed] = engine.compaction.seals.seal(caller.tenant, open);
    if (sealed === undefined) throw new Error('a compaction has one item');
    return { sealed, summary, content: expand(open) };
  }
}

/** The answer with the compaction before it, and with what that used. */
export async function* afterCompaction(
  { sealed, summary }: NonNullable<SentContext['compaction']>,
  steps: AsyncIterable<readonly Step[]>,
): AsyncGenerator<readonly Step[]> {
  let first: readonly Step[] = compactionSteps(sealed);
  for await (const batch of steps) {
    const later = batch.map((step): Step => {
      if (step.type !== 'end') return { ...step, index: step.index + 1 };
      return summary === null || step.usage === null ? step : { ...step, usage: sumUsage(step.usage, summary.usage) };
    });
    yield [...first, ...later];
    first = [];
  }
}

/** The answer where there is nothing to answer. */
export async function* nothingMore(): AsyncGenerator<readonly Step[]> {
  const end = { type: 'end', outcome: 'completed', reason: null, usage: NO_USAGE, upstream: NO_IDS } as const;
  yield await Promise.resolve([end] satisfies Step[]);
}

/** The placement that a stateless answer names: of its own call, else of the one that compacted. */
export function placementOf(body: string, { answers, compaction }: SentContext): string | null {
  return answers ? placementId(body, 1) : (compaction?.summary?.placement ?? null);
}
