/** A planned compaction carried out: the event that says so, what the context begins with from then on, and what a client is shown. */
import { itemId, MAX_PARTS } from '../../kernel/ids.ts';
import type { CompactionRef, EventBody, LoggedItem, OutputPayload } from '../../log/events.ts';
import type { Step } from '../../log/steps.ts';
import { OutputBuilder, type WireEvent } from '../../session/output.ts';
import type { EngineContext } from '../engine-context.ts';
import type { ContextRun } from '../ports.ts';
import { expand, openItem } from './open-item.ts';
import type { CompactionPlan } from './plan.ts';
import { selected } from './selected.ts';

/** The part of a turn's ids that is its compaction's: no call has it. */
const PART = MAX_PARTS;

/** The items that a compaction puts in the place of others, in open form: user messages that stand apart, then the compaction. */
export async function compactedItems(
  engine: EngineContext,
  items: readonly LoggedItem[],
  plan: Pick<CompactionPlan, 'kind' | 'budget'>,
  { body, part = PART, summary }: { readonly body: string; readonly part?: number; readonly summary?: string },
): Promise<readonly LoggedItem[]> {
  const { users, content } = await selected(engine, items, {
    budget: plan.budget,
    users: plan.kind === 'apart' ? 'apart' : 'within',
    ...(summary !== undefined && { summary }),
  });
  const apart = users.map((item, index) => ({ ...item, id: itemId('msg', body, part, index) }));
  return [...apart, openItem(itemId('cmp', body, part, apart.length), content)];
}

export interface LaidCompaction {
  readonly event: Extract<EventBody, { type: 'context.compacted' }>;
  /** Open. */
  readonly items: readonly LoggedItem[];
}

/** @param at.from the position before the request; `at.input` its items, as they are kept; `at.history` what came before */
export async function layCompaction(
  engine: EngineContext,
  plan: CompactionPlan,
  at: {
    readonly body: string;
    readonly history: readonly ContextRun[];
    readonly input: readonly LoggedItem[];
    readonly from: number;
    readonly previous: CompactionRef | null;
    readonly summary?: string;
  },
): Promise<LaidCompaction> {
  const covered = coveredItems(plan, at);
  const items = await compactedItems(engine, covered, plan, at);
  const head = { to: at.from + plan.input, count: items.length, previous: at.previous, final: plan.kind !== 'answer' };
  return { event: { type: 'context.compacted', head, payload: { items } }, items };
}

/** What a plan takes in. */
export function coveredItems(
  plan: Pick<CompactionPlan, 'input'>,
  { history, input }: { readonly history: readonly ContextRun[]; readonly input: readonly LoggedItem[] },
): readonly LoggedItem[] {
  return [...history.flatMap(run => run.items), ...expand(input.slice(0, plan.input))];
}

/** The steps by which a sealed compaction is shown. */
export function compactionSteps(sealed: LoggedItem, index = 0): readonly Step[] {
  const content = sealed['encrypted_content'];
  return [
    { type: 'item', index, item: { type: 'compaction' } },
    { type: 'item_done', index, ...(typeof content === 'string' && { encryptedContent: content }) },
  ];
}

/** The events that show a turn's compaction. User messages that stand beside one are in no stream: nobody streams those. */
export function showCompaction(
  payload: Pick<OutputPayload, 'items'>,
  at: { readonly body: string; readonly seq: number; readonly index: number },
): { readonly events: readonly WireEvent[]; readonly seq: number } {
  const events: WireEvent[] = [];
  const [only] = payload.items;
  if (payload.items.length !== 1 || only === undefined) return { events, seq: at.seq };
  const builder = new OutputBuilder({ ...at, call: PART });
  for (const step of compactionSteps(only)) builder.push(step, events);
  return { events, seq: builder.seq };
}
