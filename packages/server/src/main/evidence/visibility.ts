/** What each cloud could see: what its machines were asked, whose state its stores keep, which tools ran there. Memory grows with the sessions. */
import type { VisibilityReport } from '@perdure/protocol';
import type { BooksAt } from '../../money/closing.ts';
import { placeNamed } from '../../placement/outside.ts';
import type { RecordedData, Window } from './recorded.ts';
import { basisPoints, byName, each, entry, isApart, Load, nothingMissing } from './seen.ts';

interface Sight {
  readonly load: Load;
  readonly asked: Set<string>;
  readonly kept: Set<string>;
  apart: number;
  runs: number;
  readonly ran: Set<string>;
  transfers: number;
  readonly sent: Set<string>;
  readonly products: Set<string>;
  readonly labels: Set<string>;
}

const nothing = (): Sight => ({
  load: new Load(),
  asked: new Set(),
  kept: new Set(),
  apart: 0,
  runs: 0,
  ran: new Set(),
  transfers: 0,
  sent: new Set(),
  products: new Set(),
  labels: new Set(),
});

export async function visibility(
  data: Pick<RecordedData, 'pages' | 'document'>,
  window: Window,
  books: BooksAt,
): Promise<VisibilityReport> {
  const missing = nothingMissing();
  const clouds = new Map<string, Sight>();
  const kept = new Set<string>();
  let calls = 0;
  for await (const seen of each(data, window, books, missing)) {
    const { placement, record, snapshot } = seen;
    // What was refused went nowhere.
    const place = record.c === undefined ? undefined : placeNamed(snapshot, record.c);
    if (place === undefined) continue;
    const { session, origin } = placement;
    const sight = entry(clouds, place.cloud, nothing);
    sight.products.add(origin.product);
    for (const label of [...(record.l ?? []), ...(record.q ?? [])]) sight.labels.add(label);
    switch (placement.action) {
      case 'infer':
        calls += 1;
        sight.asked.add(session);
        sight.load.add(seen);
        break;
      case 'place_state':
        if (isApart(seen)) sight.apart += 1;
        else {
          kept.add(session);
          sight.kept.add(session);
        }
        break;
      case 'execute':
        sight.runs += 1;
        sight.ran.add(session);
        break;
      case 'egress':
        sight.transfers += 1;
        sight.sent.add(session);
        break;
    }
  }
  return {
    object: 'perdure.report.visibility',
    calls,
    sessions: kept.size,
    clouds: [...clouds].toSorted(byName).map(([cloud, sight]) => ({
      cloud,
      inference: {
        ...sight.load.json(),
        sessions: sight.asked.size,
        share_of_calls: basisPoints(BigInt(sight.load.calls), BigInt(calls)),
      },
      state: {
        sessions: sight.kept.size,
        share_of_sessions: basisPoints(BigInt(sight.kept.size), BigInt(kept.size)),
        apart: sight.apart,
      },
      execute: { runs: sight.runs, sessions: sight.ran.size },
      egress: { transfers: sight.transfers, sessions: sight.sent.size },
      products: [...sight.products].toSorted(),
      labels: [...sight.labels].toSorted(),
    })),
    left_out: missing,
  };
}
