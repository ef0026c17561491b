/** Sessions that were stateful in name only, and what they carry. Memory grows with the sessions. */
import type { StatefulnessReport, StatefulnessRule } from '@perdure/protocol';
import type { BooksAt } from '../../money/closing.ts';
import type { Use } from '../../placement/facts.ts';
import { wireUse } from '../placement-asker.ts';
import type { RecordedData, Window } from './recorded.ts';
import { basisPoints, byName, each, entry, isApart, Load, nothingMissing, type Seen } from './seen.ts';
import { type Substance, substanceOf } from './substance.ts';

/** Sessions that are named one by one; all are counted. */
const MAX_NAMED = 100;

interface SessionSeen {
  readonly tenant: string;
  readonly product: string;
  readonly channel: string;
  readonly use: Use;
  readonly load: Load;
  /** By its first call; until one is seen, by the placement of its state. */
  substance: Substance;
  called: boolean;
}

interface Sums {
  readonly all: Load;
  readonly idle: Load;
  sessions: number;
  inNameOnly: number;
}

const noSums = (): Sums => ({ all: new Load(), idle: new Load(), sessions: 0, inNameOnly: 0 });

/** Of sessions for which state was held; what is stateless by its own word is not asked. */
export async function statefulness(
  data: Pick<RecordedData, 'pages' | 'document' | 'use'>,
  window: Window,
  books: BooksAt,
): Promise<StatefulnessReport> {
  const missing = nothingMissing();
  const sessions = new Map<string, SessionSeen>();
  const unread = new Set<string>();
  for await (const seen of each(data, window, books, missing)) {
    if (!isAsked(seen)) continue;
    const { session } = seen.placement;
    const use = sessions.get(session)?.use ?? (await data.use(seen.placement, window.to));
    if (use === null) unread.add(session);
    else
      add(
        entry(sessions, session, () => begun(seen, use)),
        seen,
      );
  }
  const sums = noSums();
  const products = new Map<string, Sums>();
  const rules = new Map<string, Sums>();
  const named: StatefulnessReport['named'][number][] = [];
  let undecided = 0;
  for (const [session, { tenant, product, channel, use, load, substance }] of sessions) {
    const { rule, inNameOnly } = substance;
    if (inNameOnly === null) {
      undecided += 1;
      continue;
    }
    for (const sum of [sums, entry(products, product, noSums), entry(rules, rule, noSums)]) {
      sum.sessions += 1;
      sum.all.join(load);
      if (!inNameOnly) continue;
      sum.inNameOnly += 1;
      sum.idle.join(load);
    }
    if (inNameOnly && named.length < MAX_NAMED)
      named.push({ session, tenant, product, channel, use: wireUse(use), carried: load.json() });
  }
  const { all, idle } = sums;
  const points = (part: number, whole: number) => basisPoints(BigInt(part), BigInt(whole));
  return {
    object: 'perdure.report.statefulness',
    money: books(Date.now()).rates.length > 0 ? 'revenue' : 'cost',
    sessions: sums.sessions,
    in_name_only: sums.inNameOnly,
    rules: [...rules]
      .toSorted(byName)
      .map(([rule, one]): StatefulnessRule => ({ rule, sessions: one.sessions, in_name_only: one.inNameOnly })),
    carried: all.json(),
    carried_in_name_only: idle.json(),
    share: {
      calls: points(idle.calls, all.calls),
      tokens: points(idle.input + idle.output, all.input + all.output),
      cost: basisPoints(idle.cost, all.cost),
      revenue: basisPoints(idle.revenue, all.revenue),
    },
    products: [...products].toSorted(byName).map(([product, one]) => ({
      product,
      sessions: one.sessions,
      in_name_only: one.inNameOnly,
      carried: one.all.json(),
      carried_in_name_only: one.idle.json(),
    })),
    named,
    left_out: { ...missing, sessions_without_log: unread.size, sessions_without_class: undecided },
  };
}

function isAsked(seen: Seen): boolean {
  const { placement, record } = seen;
  // What was refused held no state, and made no call.
  if (!placement.origin.stateHeld || record.c === undefined) return false;
  // A reviewer's call is for another session's sake, and holds no state of its own.
  return placement.purpose !== 'review' && !isApart(seen);
}

function begun(seen: Seen, use: Use): SessionSeen {
  const { tenant, origin } = seen.placement;
  const { product, channel } = origin;
  return { tenant, product, channel, use, load: new Load(), substance: substanceOf(seen, use), called: false };
}

function add(session: SessionSeen, seen: Seen): void {
  if (seen.placement.action !== 'infer') return;
  session.load.add(seen);
  if (session.called) return;
  session.called = true;
  session.substance = substanceOf(seen, session.use);
}
