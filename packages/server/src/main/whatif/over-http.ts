/** The placements of a running server, for a replay: page by page, as a key may read them. What each page holds is laid as a store would lay it. */
import { isPerdureError, replayPageSchema, type ReplayPlacement, replaySnapshotSchema } from '@perdure/protocol';
import type { SessionId } from '../../kernel/ids.ts';
import { CODEC_VERSION, encodeHead, EVENT_CODES } from '../../log/codec.ts';
import type { JsonObject } from '../../log/events.ts';
import type { PlacementTexts } from '../../store/sqlite/messages.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { Io } from '../cli/io.ts';
import type { Config } from '../config/config.ts';
import type { PlacementName, ReplaySource, Window } from '../evidence/recorded.ts';
import { serverOf } from '../server-requests.ts';

const PAGE = 100;
const PLACEMENTS = '/perdure/v1/replay/placements';
const SCOPE = 'auditor or operator';
/** The home that a place in these pages names: pages are over all homes. */
const EVERYWHERE = '*';

/** @param url of the server */
export function replayOverHttp(url: string, config: Config, io: Io): ReplaySource {
  const { must, request, told } = serverOf(io, { base: url, data: config.data, scope: SCOPE, held: false });
  return {
    source: url,
    count: async () => null,
    async *texts(window, after) {
      for (let cursor = after?.cursor ?? null, position = after?.after ?? 0; ; ) {
        const { data, next } = await must(replayPageSchema, 'GET', pathOf(window, cursor));
        const texts = textsOf(data, position);
        const names = async () => namesOf(data, texts.positions);
        position += data.length;
        const end = next ?? data.at(-1)?.id ?? cursor;
        const place = { home: EVERYWHERE, tenant: window.tenant ?? '', after: position };
        yield { texts, wanted: () => true, place: { ...place, ...(end !== null && { cursor: end }) }, names };
        if (next === null) return;
        cursor = next;
      }
    },
    async hasTenant(tenant) {
      const query = new URLSearchParams({ limit: '1', tenant });
      const { data } = await must(replayPageSchema, 'GET', `${PLACEMENTS}?${query.toString()}`);
      return data.length > 0;
    },
    use: () =>
      Promise.reject(
        new CliError(EXIT.usage, 'perdure whatif: a reading that looks back asks what sessions did in all', {
          hint: 'A server does not tell it: replay the data folder, with --data.',
        }),
      ),
    async document(version) {
      try {
        const path = `/perdure/v1/replay/snapshots/${encodeURIComponent(version)}`;
        return (await request(replaySnapshotSchema, 'GET', path)).document;
      } catch (error) {
        if (isPerdureError(error) && error.status === 404) return null;
        throw told(error);
      }
    },
    close: () => Promise.resolve(),
  };
}

function pathOf({ from, to, tenant }: Window, cursor: string | null): string {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (from !== null) query.set('from', new Date(from).toISOString());
  if (to !== null) query.set('to', new Date(to).toISOString());
  if (tenant !== null) query.set('tenant', tenant);
  if (cursor !== null) query.set('after', cursor);
  return `${PLACEMENTS}?${query.toString()}`;
}

/** A record names its tenant. */
function namesOf(page: readonly ReplayPlacement[], positions: readonly number[]): Map<number, PlacementName> {
  return new Map(
    page.map(({ id, record }, i) => {
      const { n: tenant = '' } = record as { readonly n?: string };
      return [positions[i] ?? 0, { id, tenant }];
    }),
  );
}

function textsOf(page: readonly ReplayPlacement[], position: number): PlacementTexts {
  return {
    positions: page.map((_, i) => position + i),
    ats: page.map(({ at }) => at),
    sessions: page.map(({ session }) => session as SessionId),
    codes: page.map(({ call }) => EVENT_CODES[call ? 'call.placed' : 'state.placed']),
    versions: page.map(() => CODEC_VERSION),
    heads: page.map(headOf),
    ends: page.map(endOf),
  };
}

const NO_RESERVATION = { input: 0, output: 0 };

function headOf({ call, record }: ReplayPlacement): string {
  const placement = record as JsonObject;
  if (!call) return encodeHead({ type: 'state.placed', head: { placement }, payload: null });
  const { c: chosen = null } = record as { readonly c?: string };
  const head = { call: 1, purpose: 'turn', chosen, placement, reserved: NO_RESERVATION };
  return encodeHead({ type: 'call.placed', head, payload: null });
}

function endOf({ usage }: ReplayPlacement): string | null {
  if (usage === null) return null;
  const head = { call: 1, usage, metered: 'exact', count: 0 } as const;
  return `${CODEC_VERSION} ${encodeHead({ type: 'call.cancelled', head, payload: null })}`;
}
