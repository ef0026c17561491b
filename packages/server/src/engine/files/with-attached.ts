/** A request with what it attaches: references to items resolved, files and addresses looked at, their labels among its own (L8). */
import type { NewItem } from '@perdure/protocol';
import type { EngineContext } from '../engine-context.ts';
import { resolveReferences } from '../input.ts';
import { findItem } from '../items.ts';
import type { RespondRequest } from '../respond.ts';
import { attach, type Attached, NOTHING_ATTACHED } from './attach.ts';

export async function withAttached(
  engine: EngineContext,
  input: RespondRequest,
): Promise<RespondRequest & { readonly attached: Attached }> {
  const { caller, request } = input;
  const items: readonly NewItem[] = await resolveReferences(request.input, id => findItem(engine, caller, id));
  const attached = await attach(engine, items, { tenant: caller.tenant, param: 'input' });
  if (attached === NOTHING_ATTACHED) return { ...input, request: { ...request, input: items }, attached };
  return { ...input, request: { ...request, input: items }, labels: union(input.labels, attached.labels), attached };
}

/** Labels of both, once each. */
export function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return b.length === 0 ? a : [...new Set([...a, ...b])].toSorted();
}
