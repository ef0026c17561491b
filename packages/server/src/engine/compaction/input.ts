/** A request's items as the log keeps them: references resolved, compactions of ours opened. */
import { type InputItem, type NewItem, perdureError } from '@perdure/protocol';
import type { LoggedItem } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { matchCalls, type MatchedCalls, resolveReferences } from '../input.ts';
import { findItem } from '../items.ts';
import type { ReachableTarget } from '../placing.ts';
import { expand, isForeign } from './open-item.ts';

/** @throws item_not_found, invalid_encrypted_content */
export async function readInput(
  engine: EngineContext,
  caller: Caller,
  items: readonly InputItem[],
): Promise<readonly NewItem[]> {
  const resolved = await resolveReferences(items, id => findItem(engine, caller, id));
  return engine.compaction.seals.open(caller.tenant, resolved);
}

/** Matches calls in what the items stand for: a compaction may hold calls that are still open. @throws as `matchCalls` */
export function matchInput(items: readonly NewItem[], open: readonly string[], param?: string): MatchedCalls {
  return matchCalls(expand(items as unknown as readonly LoggedItem[]) as unknown as readonly NewItem[], open, param);
}

/**
 * A compaction of another provider is a hint for an upstream that speaks as that provider does, and nothing to any other.
 * @throws unsupported_content
 */
export function refuseForeign(items: readonly LoggedItem[], target: ReachableTarget): void {
  if (target.provider.dialect !== 'openai-chat' || !items.some(isForeign)) return;
  throw perdureError(
    'unsupported_content',
    'The input holds a compaction that only the provider that made it can read.',
    {
      param: 'input',
    },
  );
}
