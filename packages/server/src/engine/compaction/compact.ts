/** `POST /v1/responses/compact`: a context compacted for its own sake, stored as a response that can be continued, or kept nowhere. */
import type { CompactedResponse, CompactResponse, CreateResponse, ResponseResource } from '@perdure/protocol';
import { homeTag, idBody } from '../../kernel/ids.ts';
import { type LoggedItem, NO_USAGE, type Usage } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { placeItems, requireKinds } from '../input.ts';
import { type ResponseRecord, resourceOfRecord } from '../read.ts';
import { beginTurn } from '../respond.ts';
import { callSettings, sayings } from '../settings.ts';
import { seconds, usageResource } from '../turn.ts';
import { compactedItems, coveredItems } from './content.ts';
import { matchInput, readInput } from './input.ts';
import { planOf, planWhole } from './plan.ts';
import { readContext } from './read-context.ts';
import { statelessSummary } from './stateless-summary.ts';

export interface CompactInput {
  readonly caller: Caller;
  readonly request: CompactResponse;
  readonly labels: readonly string[];
  /** Aborts a call that is kept nowhere: the client left. */
  readonly signal: AbortSignal;
}

export interface Compacted {
  readonly resource: CompactedResponse;
  /** Of the call that compacted; null if none was made. */
  readonly placement: string | null;
}

/** @throws PerdureError */
export async function compact(engine: EngineContext, input: CompactInput): Promise<Compacted> {
  if (!input.request.store) return compactStateless(engine, input);
  const { caller, labels } = input;
  const turn = await beginTurn(engine, {
    caller,
    request: asTurn(input.request),
    labels,
    reserved: null,
    compacts: true,
  });
  return { resource: compactedOf(await turn.done), placement: turn.placement };
}

function asTurn(request: CompactResponse): CreateResponse {
  const text = { format: { type: 'text' as const } };
  return { ...request, tools: [], text, metadata: {}, include: [], stream: false, background: false };
}

async function compactStateless(engine: EngineContext, input: CompactInput): Promise<Compacted> {
  const { caller, request, signal } = input;
  const { history, openCalls, labels } = await readContext(engine, caller, request);
  const resolved = await readInput(engine, caller, request.input);
  requireKinds(resolved, matchInput(resolved, openCalls), history);
  const [home] = engine.homes.all;
  const body = idBody(engine.ids.next('resp', homeTag(home?.home ?? '')), 'resp') ?? '';
  const items = placeItems(resolved, body, 0);
  const said = sayings(asTurn(request));
  const settings = callSettings(said.settings, said.tools, said.instructions);
  const plan = planWhole(engine, { request, history, items, settings });
  const covered = coveredItems(plan, { history, input: items });
  const { model } = request;
  const all = [...labels, ...input.labels];
  const summary = await statelessSummary(engine, {
    caller,
    model,
    labels: all,
    items: covered,
    budget: plan.budget,
    signal,
  });
  const open = await compactedItems(engine, covered, plan, {
    body,
    ...(summary !== null && { summary: summary.text }),
  });
  const resource = compacted(`resp_${body}`, seconds(engine.clock.now()), {
    output: engine.compaction.seals.seal(caller.tenant, open),
    usage: summary?.usage ?? null,
  });
  return { resource, placement: summary?.placement ?? null };
}

function compacted(
  id: string,
  createdAt: number,
  { output, usage }: { readonly output: readonly LoggedItem[]; readonly usage: Usage | null },
): CompactedResponse {
  return {
    id,
    object: 'response.compaction',
    created_at: createdAt,
    output: output as unknown as CompactedResponse['output'],
    usage: usageResource(usage ?? NO_USAGE),
  };
}

function compactedOf({ id, created_at, output, usage }: ResponseResource): CompactedResponse {
  return { id, object: 'response.compaction', created_at, output, usage: usage ?? usageResource(NO_USAGE) };
}

/** A stored response as it is read back: one that was only compacted has another form. */
export function shownRecord(record: ResponseRecord, include?: readonly string[]): ResponseResource | CompactedResponse {
  const resource = resourceOfRecord(record, include);
  const whole = planOf(record.base.settings)?.kind === 'apart' && record.progress.status === 'completed';
  return whole ? compactedOf(resource) : resource;
}
