/**
 * A model is asked about a tool call: one stateless call with the facts of the session that caused it (its product, labels, reading), placed
 * under the purpose `review`, committed before it leaves, metered after (L5). Its log is its own, so that a process that dies in the middle leaves
 * a call that is settled at its bound, and a tool call of which nothing was decided: it is asked about again.
 */
import { toPerdureError } from '@perdure/protocol';
import { homeTag, idBody, placementId, type SessionId } from '../../kernel/ids.ts';
import type { ReviewedBy } from '../../log/places.ts';
import { budgetSpent } from '../agent-sessions/bounds.ts';
import { boundsOf } from '../compaction/measure.ts';
import { SummaryReader } from '../compaction/summary.ts';
import type { EngineContext } from '../engine-context.ts';
import { agentOf, type InferRequest } from '../placing.ts';
import { mustState } from '../plan.ts';
import { recordRefusal } from '../refusal.ts';
import { spendCall } from '../spend-call.ts';
import { callerFor } from '../subagents/family.ts';
import { StatelessRun } from '../stateless-run.ts';
import type { ToolQuestion, ToolVerdict } from '../tools/ports.ts';
import type { Tool } from '../tools/toolbox.ts';
import type { RunningTurn } from '../turn.ts';
import { readVerdict, reviewCall, type Reviewed, type ReviewModel } from './review-call.ts';

/** The purpose under which it is placed, metered and recorded. */
const REVIEW = 'review';

export interface ReviewAnswer extends Reviewed {
  /** The call that was made; null if none was. */
  readonly by: ReviewedBy | null;
}

/** Never fails: what goes wrong denies, and says so. */
export async function askReviewer(
  engine: EngineContext,
  turn: RunningTurn,
  asked: { readonly tool: Tool; readonly question: ToolQuestion; readonly verdict: ToolVerdict },
): Promise<ReviewAnswer> {
  const { review } = engine.tools;
  if (review === null) return no('Nobody reviews tool calls here.');
  const mark = Buffer.from(engine.salt()).toString('hex');
  const { description } = asked.tool.definition;
  const call = reviewCall(review, asked.question, { description, verdict: asked.verdict, mark });
  if (call === null) return no('The call is too long to be reviewed.');
  if ((await budgetSpent(engine, turn.live)) !== null) return no('The session has spent its limit.');
  try {
    return await make(engine, turn, review, call);
  } catch (error) {
    engine.report('tools.review', toPerdureError(error));
    return no('The reviewer could not be asked.');
  }
}

function no(reason: string): ReviewAnswer {
  return { verdict: 'deny', reason, by: null };
}

async function make(
  engine: EngineContext,
  turn: RunningTurn,
  { model, timeoutMs }: ReviewModel,
  { context, settings }: NonNullable<ReturnType<typeof reviewCall>>,
): Promise<ReviewAnswer> {
  const { tenant, session: subject, origin, labels, createdAt: startedAt, use } = mustState(turn.live);
  const { store } = turn.live;
  const session = engine.ids.next('sess', homeTag(store.home)) as SessionId;
  const facts: InferRequest = {
    tenant,
    session,
    origin,
    labels,
    startedAt,
    use,
    ...agentOf(mustState(turn.live), turn.agent?.config),
    key: turn.principal,
    model,
    purpose: REVIEW,
    requestLabels: turn.labels,
    ...boundsOf(engine, { model, context, settings }, JSON.stringify(context).length),
    avoid: [],
  };
  const caller = callerFor(mustState(turn.live), turn.principal);
  const placed = engine.placing.infer(facts);
  if (!placed.ok) {
    const { error, record } = placed;
    const refusal = { record, error, subject, origin, purpose: REVIEW };
    engine.report('tools.review', await recordRefusal(engine, caller, store, refusal));
    return no(`The reviewer could not be asked (${error.code}).`);
  }
  const capped = engine.spend.hold(spendCall(facts, turn.principal, 1, placed));
  if (capped !== null) return no('The reviewer could not be asked: a spend cap is reached.');
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([turn.abort.signal, late]);
  const run = new StatelessRun(engine, {
    caller,
    store,
    facts,
    placed,
    context,
    call: settings,
    signal,
    whole: false,
    subject,
    recordFirst: true,
  });
  const reader = new SummaryReader();
  try {
    reader.take(await run.answer());
  } catch (error) {
    if (turn.abort.signal.aborted) throw error;
    engine.report('tools.review', toPerdureError(error));
    const reason = late.aborted ? 'The reviewer did not answer in time.' : 'The reviewer could not be asked.';
    return { verdict: 'deny', reason, by: madeBy(session, run) };
  }
  const { summary } = reader;
  return { ...readVerdict(summary.text, summary.end?.outcome === 'completed'), by: madeBy(session, run) };
}

function madeBy(session: SessionId, { made }: StatelessRun): ReviewedBy {
  const { attempt, target, usage } = made;
  return { placement: placementId(idBody(session, 'sess') ?? '', attempt), target, usage };
}
