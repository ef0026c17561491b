/** A request with what it attaches: references to items resolved, files and addresses looked at, their labels among its own (L8). */
import { union } from '../../kernel/union.ts';
import type { NewItem } from '@perdure/protocol';
import type { SessionId } from '../../kernel/ids.ts';
import { NO_USE, type SessionState } from '../../session/state.ts';
import { readInput } from '../compaction/input.ts';
import type { EngineContext } from '../engine-context.ts';
import { originOf } from '../origin.ts';
import { agentOf } from '../placing.ts';
import type { RespondRequest } from '../respond.ts';
import { attach, type Attached, NOTHING_ATTACHED } from './attach.ts';

export async function withAttached(
  engine: EngineContext,
  input: RespondRequest,
  /** Of the session that is continued; null for a new one. */
  state: SessionState | null,
): Promise<RespondRequest & { readonly attached: Attached }> {
  const { caller, request } = input;
  const items: readonly NewItem[] = await readInput(engine, caller, request.input);
  const attached = await attach(engine, items, {
    tenant: caller.tenant,
    param: 'input',
    session: state?.session ?? ('sess_new' as SessionId),
    origin: state?.origin ?? originOf(engine, caller),
    labels: state?.labels ?? [],
    startedAt: state?.createdAt ?? engine.clock.now(),
    use: state?.use ?? NO_USE,
    ...(state !== null && agentOf(state)),
    key: caller.principal,
    model: request.model,
    requestLabels: input.labels,
  });
  if (attached === NOTHING_ATTACHED) return { ...input, request: { ...request, input: items }, attached };
  return { ...input, request: { ...request, input: items }, labels: union(input.labels, attached.labels), attached };
}
