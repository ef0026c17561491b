/** Whether a context is compacted before it is answered, how much of it, and down to what. Decided once, when the turn begins. */
import type { CreateResponse } from '@perdure/protocol';
import type { Json, JsonObject, LoggedItem } from '../../log/events.ts';
import { isUserMessage } from '../../session/compaction/items.ts';
import type { EngineContext } from '../engine-context.ts';
import type { CallSettings, ContextRun } from '../ports.ts';
import { countTokens, windowOf } from './measure.ts';
import { expand } from './open-item.ts';

export interface CompactionPlan {
  /** `answer`: the turn goes on. `only`: nothing is left to answer. `apart`: the same, and user messages stand beside it. */
  readonly kind: 'answer' | 'only' | 'apart';
  /** How many of the items of the request it takes in; those of before, all. */
  readonly input: number;
  /** Tokens that it may come to. */
  readonly budget: number;
}

/** Contexts up to this are kept whole if nobody says how small they must become. Tokens. */
const ROOM = 4_096;
/** The part of a bound, in percent, that a compaction leaves: the rest is for the turns until the next. */
const KEPT_PERCENT = 40;
/** The part of the window at which `context_management` without a threshold compacts, unless the server has its own. */
const DEFAULT_AT = 80;

export interface PlanInput {
  readonly request: Pick<CreateResponse, 'model' | 'context_management' | 'compaction_trigger'>;
  /** What came before the request. */
  readonly history: readonly ContextRun[];
  /** The items of the request, as they are kept. */
  readonly items: readonly LoggedItem[];
  readonly settings: CallSettings;
  /** Whether the server holds the context: only then its own threshold counts. */
  readonly stored: boolean;
}

export function planCompaction(engine: EngineContext, input: PlanInput): CompactionPlan | null {
  const { request, history, items, settings } = input;
  const threshold = thresholdOf(engine, input);
  const triggered = request.compaction_trigger === true;
  if (threshold === null && !triggered) return null;
  const tokens = countTokens(engine, {
    model: request.model,
    context: [...history, { items: expand(items) }],
    settings,
  });
  if (!triggered && (threshold === null || tokens < threshold)) return null;
  const answers = !triggered || awaitsAnswer(items);
  const taken = answers ? beforeLastWord(items) : items.length;
  if (answers && history.length === 0 && taken === 0) return null;
  const bound = threshold ?? windowOf(engine, request.model);
  return {
    kind: answers ? 'answer' : 'only',
    input: taken,
    budget: budgetFor(tokens, bound),
  };
}

/** For `POST /v1/responses/compact`: all of it. */
export function planWhole(
  engine: EngineContext,
  { request, history, items, settings }: Omit<PlanInput, 'stored'>,
): CompactionPlan {
  const tokens = countTokens(engine, {
    model: request.model,
    context: [...history, { items: expand(items) }],
    settings,
  });
  const budget = budgetFor(tokens, windowOf(engine, request.model));
  return { kind: 'apart', input: items.length, budget };
}

function budgetFor(tokens: number, bound: number | null): number {
  if (bound === null) return Math.max(ROOM, percent(tokens, KEPT_PERCENT));
  return percent(bound, KEPT_PERCENT);
}

function percent(of: number, part: number): number {
  return Math.floor((of * part) / 100);
}

function thresholdOf(engine: EngineContext, { request, stored }: PlanInput): number | null {
  const entries = request.context_management ?? [];
  const { at } = engine.compaction;
  const own = entries.length > 0 ? (at ?? DEFAULT_AT) : stored ? at : null;
  const window = own === null ? null : windowOf(engine, request.model);
  const ofWindow = own === null || window === null ? null : percent(window, own);
  const asked = entries.flatMap(entry => entry.compact_threshold ?? []);
  const bounds = asked.length > 0 ? asked : ofWindow === null ? [] : [ofWindow];
  return bounds.length === 0 ? null : Math.min(...bounds);
}

/** Whether the last item is one that a model answers. */
function awaitsAnswer(items: readonly LoggedItem[]): boolean {
  const last = items.at(-1);
  return last !== undefined && (isUserMessage(last) || last.type.endsWith('_output'));
}

/** How many items stand before the last word of the user, which is always sent as it is. */
function beforeLastWord(items: readonly LoggedItem[]): number {
  return Math.max(0, items.findLastIndex(isUserMessage));
}

/** The name under which a turn's settings keep it: a recovered turn compacts in the same way. Not shown. */
const KEPT_AS = 'compaction';

export function storedPlan(plan: CompactionPlan | null): JsonObject {
  return plan === null ? {} : { [KEPT_AS]: { ...plan } };
}

export function planOf(settings: JsonObject): CompactionPlan | null {
  const kept: Json | undefined = settings[KEPT_AS];
  // Written by `storedPlan`.
  return kept === undefined ? null : (kept as unknown as CompactionPlan);
}
