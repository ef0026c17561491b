/**
 * Tools and instructions are written once per session, not once per turn (L11): a turn points at the event that first held the text.
 * The comparison is by the text itself, in memory; no digest of content is kept outside a payload (L13).
 */
import type { DocumentRef, Json } from '../log/events.ts';
import type { TenantId } from '../kernel/ids.ts';
import type { EngineContext } from './engine-context.ts';
import { eventAt } from './event-at.ts';
import type { LiveSession } from './live-session.ts';

export interface Documents {
  /** A reference for each text asked for; null where the text was null. */
  readonly refs: readonly (DocumentRef | null)[];
  /** Texts that this turn writes for the first time. */
  readonly added: readonly Json[];
  readonly known: ReadonlyMap<string, DocumentRef>;
}

/** Texts already written in a session, by themselves. Beside the session, not in it: it goes when the session leaves the cache. */
const KNOWN = new WeakMap<LiveSession, ReadonlyMap<string, DocumentRef>>();

/** @param seq the seq that the turn's `turn.started` will have */
export async function documentRefs(
  engine: EngineContext,
  live: LiveSession,
  texts: readonly (Json | null)[],
  seq: number,
): Promise<Documents> {
  const known = new Map(remembered(live) ?? (await load(engine, live)));
  const added: Json[] = [];
  const refs = texts.map(text => {
    if (text === null) return null;
    const key = JSON.stringify(text);
    const ref = known.get(key) ?? { session: live.session, seq, index: added.push(text) - 1 };
    known.set(key, ref);
    return ref;
  });
  return { refs, added, known };
}

/** Call it once the turn is committed. Keeps no more than the session's state does. */
export function rememberDocuments(live: LiveSession, documents: Documents): void {
  KNOWN.set(live, new Map([...documents.known].filter(([, ref]) => isKept(live, ref))));
}

/** What is known of the session's texts, those that were erased since left out. */
function remembered(live: LiveSession): ReadonlyMap<string, DocumentRef> | null {
  const known = KNOWN.get(live);
  return known === undefined ? null : new Map([...known].filter(([, ref]) => isKept(live, ref)));
}

function isKept(live: LiveSession, ref: DocumentRef): boolean {
  const kept = live.state?.documents ?? [];
  return kept.some(one => one.seq === ref.seq && one.index === ref.index && one.session === ref.session);
}

async function load(engine: EngineContext, live: LiveSession): Promise<ReadonlyMap<string, DocumentRef>> {
  const known = new Map<string, DocumentRef>();
  for (const ref of live.state?.documents ?? []) {
    const text = await readDocument(engine, live, live.tenant, ref);
    if (text !== null) known.set(JSON.stringify(text), ref);
  }
  return known;
}

/** The text that a reference points at; null if there is none, or it was erased. */
export async function readDocument(
  engine: EngineContext,
  at: Pick<LiveSession, 'store'>,
  tenant: TenantId,
  ref: DocumentRef | null,
): Promise<Json | null> {
  if (ref === null) return null;
  const { session, seq, index } = ref;
  const event = await eventAt(engine, { tenant, session, store: at.store }, seq, 'turn.started');
  return event?.payload?.documents[index] ?? null;
}
