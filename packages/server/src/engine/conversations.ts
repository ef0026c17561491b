/** Conversations: sessions whose items a client may also add, list and delete. */
import { type InputItem, type Metadata, type NewItem, perdureError } from '@perdure/protocol';
import {
  type HomeId,
  homeTag,
  idBody,
  MAX_PARTS,
  parseItemId,
  placementId,
  type ResponseId,
  type SessionId,
} from '../kernel/ids.ts';
import { decodeEnvelope } from '../log/codec.ts';
import type { EventBody, EventOf, LoggedItem } from '../log/events.ts';
import { NO_USE } from '../session/state.ts';
import { actorOf, type Caller } from './caller.ts';
import { matchInput, readInput } from './compaction/input.ts';
import { readRun } from './context.ts';
import type { EngineContext } from './engine-context.ts';
import { reapOrLater } from './erase.ts';
import { attach, type Attached, keepFetched } from './files/attach.ts';
import { filesIn } from './files/parts.ts';
import { isCallOutput, type MatchedCalls, placeItems, requireKinds } from './input.ts';
import type { LiveSession } from './live-session.ts';
import { readMetadata } from './metadata.ts';
import { checkOrigin, findConversation, mustState, short } from './plan.ts';
import { recordRefusal } from './refusal.ts';
import { endConversation, endForks, hide, hideAll, type RemoveOptions } from './remove.ts';
import { beginLog } from './begin-log.ts';
import { claim, commitClaimed } from './claim.ts';
import { seconds } from './turn.ts';
import { storedEvents } from './turn-events.ts';

export interface ConversationView {
  readonly id: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly metadata: Metadata;
}

/** A conversation that was just made, and the placement of its state. */
export interface NewConversation extends ConversationView {
  readonly placement: string;
}

export interface ItemPage {
  readonly items: readonly LoggedItem[];
  readonly hasMore: boolean;
}

export async function createConversation(
  engine: EngineContext,
  caller: Caller,
  items: readonly InputItem[],
  metadata: Metadata,
): Promise<NewConversation> {
  const { tenant, principal: key, product, channel, segment } = caller;
  const origin = { product, channel, segment, stateHeld: true, readings: engine.placing.readings() };
  const resolved = await readInput(engine, caller, items);
  const startedAt = engine.clock.now();
  const subject = { tenant, session: 'sess_new' as SessionId, origin, startedAt, use: NO_USE, key, model: '' };
  const attached = await attach(engine, resolved, { ...subject, param: 'items', labels: [], requestLabels: [] });
  const { labels } = attached;
  const placed = engine.placing.state({ ...subject, labels });
  const control = engine.homes.all[0];
  if (!placed.ok) {
    if (control === undefined) throw placed.error;
    throw await recordRefusal(engine, caller, control, { ...placed, subject: null, origin });
  }
  const store = engine.homes.get(placed.home);
  if (store === null) throw perdureError('internal_error');
  const session = engine.ids.next('sess', homeTag(placed.home)) as SessionId;
  const head = {
    kind: 'conversation' as const,
    home: placed.home,
    owner: engine.owner,
    origin,
    lineage: [],
    labels,
    openCalls: [],
    continues: null,
  };
  const bodies: EventBody[] = [
    { type: 'session.created', head, payload: Object.keys(metadata).length > 0 ? { metadata } : null },
    { type: 'state.placed', head: { placement: placed.record }, payload: null },
  ];
  if (resolved.length > 0) {
    const added = itemsAdded(engine, placed.home, resolved, matchInput(resolved, [], 'items'));
    await keepAdded(engine, { tenant, session, store, seq: bodies.length + 1 }, added, attached);
    bodies.push(...added);
  }
  const { prepared } = await beginLog(engine, { tenant, session, store }, bodies, actorOf(caller));
  return {
    id: session.replace('sess_', 'conv_'),
    createdAt: seconds(prepared.state.createdAt),
    metadata,
    placement: placementId(idBody(session, 'sess') ?? '', 0),
  };
}

/** An event an item: what one of them held can be erased without the others. */
function itemsAdded(
  engine: EngineContext,
  home: HomeId,
  items: readonly NewItem[],
  { opened, answers }: MatchedCalls,
): readonly EventOf<'items.added'>[] {
  return items.map(item => {
    const base = idBody(engine.ids.next('itms', homeTag(home)), 'itms') ?? '';
    const call = 'call_id' in item ? [item.call_id] : [];
    const calls = isCallOutput(item) ? [] : call.filter(id => opened.includes(id));
    const answered = isCallOutput(item) ? call.filter(id => answers.includes(id)) : [];
    const head = { base, count: 1, calls, answers: answered, ...filesIn([item]) };
    return { type: 'items.added', head, payload: { items: placeItems([item], base, 0) } };
  });
}

/** Keeps what was fetched for items, each at its own event. `at.seq` is the seq of the first. */
async function keepAdded(
  engine: EngineContext,
  at: Parameters<typeof keepFetched>[1],
  added: readonly EventOf<'items.added'>[],
  attached: Attached,
): Promise<void> {
  for (const [index, { payload }] of added.entries())
    await keepFetched(engine, { ...at, seq: at.seq + index }, payload.items, attached);
}

/** Metadata that is replaced goes, unless it is under a hold. */
function metadataErased(engine: EngineContext, live: LiveSession): readonly EventBody[] {
  const { tenant, session } = live;
  const { metadataSeq: seq } = mustState(live);
  if (seq === 0 || engine.retention.held(tenant, session)) return [];
  return [{ type: 'session.erased', head: { after: seq - 1, whole: false, before: seq + 1 }, payload: null }];
}

export async function readConversation(engine: EngineContext, caller: Caller, id: string): Promise<ConversationView> {
  const live = await findConversation(engine, caller, id);
  return { id, createdAt: seconds(mustState(live).createdAt), metadata: await readMetadata(engine, live) };
}

export async function updateConversation(
  engine: EngineContext,
  caller: Caller,
  id: string,
  metadata: Metadata,
): Promise<ConversationView> {
  return change(engine, caller, id, async live => {
    const updated: EventBody = { type: 'session.updated', head: { metadata: true }, payload: { metadata } };
    await commitClaimed(engine, live, [...metadataErased(engine, live), updated], actorOf(caller));
    return { id, createdAt: seconds(mustState(live).createdAt), metadata };
  });
}

/** Ends the conversation and erases all of it that no response and no fork still needs; with `cascade` those end too. */
export async function deleteConversation(
  engine: EngineContext,
  caller: Caller,
  id: string,
  { cascade }: RemoveOptions = { cascade: false },
): Promise<void> {
  if (cascade) {
    const live = await findConversation(engine, caller, id);
    checkOrigin(caller, mustState(live));
    idle(live);
    await endForks(engine, caller, live, 0);
  }
  const ended = await change(engine, caller, id, async live => {
    idle(live);
    if (cascade) await hideAll(engine, live, actorOf(caller));
    await endConversation(engine, live, actorOf(caller));
    return live;
  });
  if (cascade) await endForks(engine, caller, ended, 0);
}

export async function addItems(
  engine: EngineContext,
  caller: Caller,
  id: string,
  items: readonly InputItem[],
): Promise<readonly LoggedItem[]> {
  const resolved = await readInput(engine, caller, items);
  const { tenant, session, origin, labels, createdAt, use } = mustState(await findConversation(engine, caller, id));
  const { principal: key } = caller;
  const subject = { tenant, session, origin, labels, startedAt: createdAt, use, key, model: '' };
  const attached = await attach(engine, resolved, { ...subject, param: 'items', requestLabels: [] });
  return change(engine, caller, id, async live => {
    const state = idle(live);
    const matched = matchInput(resolved, state.openCalls, 'items');
    if (matched.answers.length > 0) {
      if (!live.context.loaded) engine.sessions.grew(await engine.sessions.wait(live.context.load(live.store, state)));
      requireKinds(resolved, matched, live.context.runs, 'items');
    }
    const added = itemsAdded(engine, state.home, resolved, matched);
    const placed = added.flatMap(body => body.payload.items);
    await engine.sessions.wait(engine.lease.ensure());
    const before = [...(await claim(engine, live)), ...labelsOf(engine, caller, state, attached.labels)];
    await keepAdded(engine, { ...live, seq: mustState(live).seq + before.length + 1 }, added, attached);
    const prepared = await engine.sessions.commit(live, [...before, ...added], { actor: actorOf(caller) });
    engine.sessions.grew(live.context.add(placed, prepared.state.position));
    return placed;
  });
}

/** L8: labels that come with what is added, decided before it is: the home must be cleared for them. @throws label_not_allowed_here */
function labelsOf(
  engine: EngineContext,
  { principal: key }: Caller,
  state: ReturnType<typeof mustState>,
  brought: readonly string[],
): readonly EventBody[] {
  const labels = brought.filter(label => !state.labels.includes(label));
  if (labels.length === 0) return [];
  const { tenant, session, origin, createdAt: startedAt, use, home } = state;
  const subject = { tenant, session, origin, labels: [...state.labels, ...labels], startedAt, use, key, model: '' };
  const placed = engine.placing.stateAt(subject, home);
  if (!placed.ok) throw perdureError('label_not_allowed_here', placed.error.message);
  return [{ type: 'session.labelled', head: { labels }, payload: null }];
}

export async function readConversationItem(
  engine: EngineContext,
  caller: Caller,
  id: string,
  item: string,
): Promise<LoggedItem> {
  const live = await findConversation(engine, caller, id);
  const { found } = await itemAt(engine, live, item);
  return found;
}

/** @throws item_not_found, also once it was deleted */
async function itemAt(
  engine: EngineContext,
  live: LiveSession,
  item: string,
): Promise<{ readonly position: number; readonly found: LoggedItem }> {
  const missing = (): Error => perdureError('item_not_found', `Item with id '${short(item)}' not found.`);
  const position = await positionOf(engine, live, item);
  if (position === null) throw missing();
  const { tenant, session, store } = live;
  const [row] = await engine.sessions.wait(
    store.runs({ tenant, session, from: position, to: position, order: 'asc', limit: 1 }),
  );
  const read = row && (await engine.sessions.wait(readRun(store, tenant, row, position, position)));
  const found = read?.items[0];
  if (found === undefined) throw missing();
  return { position, found };
}

export async function deleteItem(engine: EngineContext, caller: Caller, id: string, item: string): Promise<void> {
  await change(engine, caller, id, async live => {
    idle(live);
    const { position } = await itemAt(engine, live, item);
    const dead = await hide(engine, live, { rows: [], positions: [position] }, actorOf(caller));
    engine.sessions.grew(live.context.reset());
    await reapOrLater(engine, live, dead);
  });
}

/** A page of a conversation's items. `after` is an item id, exclusive. */
export async function listItems(
  engine: EngineContext,
  caller: Caller,
  id: string,
  query: { readonly order: 'asc' | 'desc'; readonly limit: number; readonly after?: string; readonly before?: string },
): Promise<ItemPage> {
  const live = await findConversation(engine, caller, id);
  const { tenant, session, store } = live;
  const cursor = query.after ?? query.before;
  const at = cursor === undefined ? null : await positionOf(engine, live, cursor);
  if (cursor !== undefined && at === null)
    throw perdureError('item_not_found', `Item with id '${short(cursor)}' not found.`, {
      status: 400,
      param: query.after === undefined ? 'before' : 'after',
    });
  // What lies before a cursor is read backward from it, nearest first, and then turned into the order asked for.
  const backward = query.before !== undefined;
  const ascending = (query.order === 'asc') !== backward;
  let from = at !== null && ascending ? at + 1 : 1;
  let to = at !== null && !ascending ? at - 1 : mustState(live).position;
  const items: LoggedItem[] = [];
  while (items.length <= query.limit && from <= to) {
    const order = ascending ? 'asc' : 'desc';
    const rows = await engine.sessions.wait(store.runs({ tenant, session, from, to, order, limit: query.limit + 1 }));
    if (rows.length === 0) break;
    for (const row of rows) {
      const { items: read } = await engine.sessions.wait(readRun(store, tenant, row, from, to));
      items.push(...(ascending ? read : read.toReversed()));
    }
    const last = rows.at(-1);
    if (last === undefined) break;
    if (ascending) from = last.position + last.count;
    else to = last.position - 1;
  }
  const page = items.slice(0, query.limit);
  return { items: backward ? page.toReversed() : page, hasMore: items.length > query.limit };
}

/** Where an item stands in the conversation; null if it is not in it. */
async function positionOf(engine: EngineContext, live: LiveSession, item: string): Promise<number | null> {
  const place = parseItemId(item);
  if (place === null) return null;
  const { tenant, session, store } = live;
  const added = await engine.sessions.wait(store.runByBase(tenant, place.body));
  if (added !== null)
    return added.session === session && place.index < added.count ? added.position + place.index : null;
  const row = await engine.sessions.wait(store.response(tenant, `resp_${place.body}` as ResponseId, 'deleted-too'));
  if (row === null || row.session !== session) return null;
  const parts: { readonly part: number; readonly count: number }[] = [];
  // All of them: the position is counted back from the end of the turn.
  for await (const stored of storedEvents(engine, { tenant, session, store, from: row.fromSeq, to: row.toSeq })) {
    const event = decodeEnvelope({ tenant, session }, stored);
    if (event.type === 'input.accepted') parts.push({ part: 0, count: event.head.count });
    else if (event.type === 'context.compacted') parts.push({ part: MAX_PARTS, count: event.head.count });
    else if (event.type === 'call.completed') parts.push({ part: event.head.call, count: event.head.count });
  }
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  const end = row.toSeq > 0 ? row.position : mustState(live).position;
  let position = end - total + 1;
  for (const { part, count } of parts) {
    if (part === place.part) return place.index < count && end > 0 ? position + place.index : null;
    position += count;
  }
  return null;
}

function idle(live: LiveSession): ReturnType<typeof mustState> {
  const state = mustState(live);
  if (state.turn !== null) throw perdureError('conversation_locked');
  return state;
}

/** Runs a change of the conversation alone, on its state as it is now. */
async function change<T>(
  engine: EngineContext,
  caller: Caller,
  id: string,
  work: (live: LiveSession) => Promise<T>,
): Promise<T> {
  const live = await findConversation(engine, caller, id);
  checkOrigin(caller, mustState(live));
  return engine.sessions.exclusive(live, async () => {
    if (live.stale) throw perdureError('conversation_locked', 'The conversation was changed meanwhile; try again.');
    return work(live);
  });
}
