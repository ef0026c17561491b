/** What somebody can ask and do about holds, whether over HTTP or on the data folder. */
import { type CreateHold, type KeptList, type KeptResource, perdureError } from '@perdure/protocol';
import { bodyHome, homeTag, idBody, type ResponseId, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { HoldView } from '../../http/perdure/hold-view.ts';
import type { Viewer } from '../../http/perdure/govern-view.ts';
import type { SessionRow } from '../../log/rows.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { type Hold, type HoldBook, holdResource } from './hold-book.ts';

const RESPONSES_SHOWN = 100;
const PAGE = 200;
/** Pages that one answer looks at. */
const MAX_PAGES = 50;

export function makeHoldDesk(book: HoldBook, stores: readonly HomeStore[]): HoldView {
  const seen = (who: Viewer, hold: Hold): boolean => who.all || who.tenant === hold.tenant;

  return {
    list: async who =>
      book.all
        .filter(hold => seen(who, hold))
        .map(holdResource)
        .toReversed(),
    async place(who, wanted) {
      const session = await sessionOf(stores, wanted);
      return holdResource(await book.place(who.principal, wanted, session));
    },
    lift: async (who, id) => holdResource(await book.lift(who.principal, id)),
    async kept(who, id, after, limit) {
      const hold = book.one(id);
      if (!seen(who, hold)) throw perdureError('hold_not_found', `There is no hold '${id.slice(0, 64)}'.`);
      return listKept(stores, hold, after, limit);
    },
  };
}

/** @throws hold_subject_not_found, also for what is another tenant's */
async function sessionOf(stores: readonly HomeStore[], { tenant, subject }: CreateHold): Promise<string | null> {
  if (subject === undefined) return null;
  const body = idBody(subject, 'resp') ?? idBody(subject, 'conv') ?? idBody(subject, 'sess');
  const store = body === null ? undefined : stores.find(({ home }) => homeTag(home) === bodyHome(body));
  const owner = tenant as TenantId;
  const found = subject.startsWith('resp_')
    ? await store?.response(owner, subject as ResponseId, 'deleted-too')
    : await store?.session(owner, `sess_${body ?? ''}` as SessionId);
  if (found == null)
    throw perdureError('hold_subject_not_found', `The tenant has no '${subject.slice(0, 64)}'.`, { param: 'subject' });
  return found.session;
}

async function listKept(
  stores: readonly HomeStore[],
  hold: Hold,
  after: string | null,
  limit: number,
): Promise<KeptList> {
  const at = after === null ? null : cursorOf(stores, after);
  const data: KeptResource[] = [];
  let from = at?.session ?? null;
  let last: string | null = null;
  let pages = 0;
  if (hold.lifted !== null) return { object: 'list', data, has_more: false, last_id: null };
  for (const store of at === null ? stores : stores.slice(at.index)) {
    for (;;) {
      const rows = await store.unerased(from, PAGE);
      for (const row of rows) {
        const kept = row.tenant === hold.tenant && (hold.session === null || hold.session === row.session);
        if (kept && data.length === limit) return { object: 'list', data, has_more: true, last_id: last };
        if (kept) data.push(await keptOf(store, row));
        last = row.session;
      }
      from = rows.at(-1)?.session ?? null;
      if (rows.length < PAGE) break;
      pages += 1;
      if (pages === MAX_PAGES) return { object: 'list', data, has_more: true, last_id: last };
    }
    from = null;
  }
  return { object: 'list', data, has_more: false, last_id: last };
}

function cursorOf(
  stores: readonly HomeStore[],
  after: string,
): { readonly session: SessionId; readonly index: number } {
  const body = idBody(after, 'sess');
  const index = body === null ? -1 : stores.findIndex(({ home }) => homeTag(home) === bodyHome(body));
  if (index < 0) throw perdureError('invalid_request', "'after' must be the id of a session.", { param: 'after' });
  return { session: after as SessionId, index };
}

async function keptOf(store: HomeStore, { tenant, session, kind, ended }: SessionRow): Promise<KeptResource> {
  const query = { tenant, session, after: 0, limit: RESPONSES_SHOWN, deleted: true } as const;
  const responses = (await store.responsesOf(query)).map(({ id }) => id);
  const conversation = kind === 'conversation' ? session.replace('sess_', 'conv_') : null;
  return { object: 'perdure.kept', session, tenant, home: store.home, conversation, ended, responses };
}
