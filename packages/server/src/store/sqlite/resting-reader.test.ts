import { expect, test, vi } from 'vitest';
import type { ResponseId, SessionId, TenantId } from '../../kernel/ids.ts';
import { storeError } from '../store-error.ts';
import { LastingLink, type LifeSigns } from './lasting-link.ts';
import type { ReaderOps, WriterOps } from './messages.ts';
import { RestingReader, type RestingReaderParts } from './resting-reader.ts';
import { type Scratch, scratch } from './scratch.ts';

vi.setConfig({ testTimeout: 60_000 });

const QUERY = { tenant: 't' as TenantId, id: 'resp_none' as ResponseId, deleted: false };

interface Watched {
  readonly reads: RestingReader;
  readonly writer: LastingLink<WriterOps>;
  /** What was asked of whom. */
  readonly asked: readonly string[];
  readonly signs: readonly string[];
}

async function watched(place: Scratch, more: Partial<RestingReaderParts> = {}): Promise<Watched> {
  const setup = { path: place.file, home: 'home', now: 1, synchronous: 'FULL', maxPages: null } as const;
  const asked: string[] = [];
  const told: string[] = [];
  const signs: LifeSigns = {
    died: (thread, error) => void told.push(`${thread}: ${error.message}`),
    revived: thread => void told.push(`${thread} is back`),
  };
  const noted = <O>(who: string, link: LastingLink<O>): Pick<LastingLink<O>, 'call' | 'terminate'> => ({
    call: (op, args) => {
      asked.push(`${who} ${op}`);
      return link.call(op, args);
    },
    terminate: async () => {
      asked.push(`${who} ends`);
      await link.terminate();
    },
  });
  const writer = await LastingLink.open<WriterOps>('writer', setup, signs);
  const open = async () => noted('reader', await LastingLink.open<ReaderOps>('reader', setup, signs));
  const reads = new RestingReader({ writer: noted('writer', writer), open, signs, ...more });
  return { reads, writer, asked, signs: told };
}

test('housekeeping is read by the writer; who uses the home has a reader, until nobody does', async () => {
  await using place = await scratch();
  const { reads, writer, asked } = await watched(place, { restMs: 300 });
  await writer.call('putDocument', { digest: 'd', body: 'text' });
  expect(await reads.call('document', 'd')).toBe('text');
  expect(await reads.call('records', 'waiver')).toEqual([]);
  expect(asked).toEqual(['writer document', 'writer records']);
  // What comes before the thread is there is not kept waiting for it.
  expect(await reads.call('response', QUERY)).toBeNull();
  expect(asked.at(-1)).toBe('writer response');
  await vi.waitFor(async () => {
    expect(await reads.call('response', QUERY)).toBeNull();
    expect(asked.at(-1)).toBe('reader response');
  }, 20_000);
  expect(await reads.call('document', 'd')).toBe('text');
  expect(asked.at(-1)).toBe('reader document');
  await vi.waitFor(() => expect(asked.slice(-2)).toEqual(['reader close', 'reader ends']), 20_000);
  expect(await reads.call('document', 'd')).toBe('text');
  expect(asked.at(-1)).toBe('writer document');
  // And again.
  await vi.waitFor(async () => {
    await reads.call('session', { tenant: QUERY.tenant, session: 'sess_none' as SessionId });
    expect(asked.at(-1)).toBe('reader session');
  }, 20_000);
  await reads.close();
  expect(asked.slice(-2)).toEqual(['reader close', 'reader ends']);
  await writer.terminate();
});

test('a read sees every commit that was answered, whoever reads it', async () => {
  await using place = await scratch();
  const { reads, writer, asked } = await watched(place, { restMs: 100 });
  reads.used();
  for (let round = 0; round < 200 || !asked.includes('reader document'); round++) {
    await writer.call('putDocument', { digest: `d${round}`, body: `${round}` });
    expect(await reads.call('document', `d${round}`)).toBe(`${round}`);
  }
  await vi.waitFor(() => expect(asked).toContain('reader ends'), 20_000);
  expect(await reads.call('document', 'd0')).toBe('0');
  await reads.close();
  await writer.terminate();
  expect(asked).toContain('writer document');
});

test('a reader that cannot be begun is told of once, the writer reads meanwhile, and it is not tried again at once', async () => {
  await using place = await scratch();
  let tries = 0;
  const open = (): Promise<never> => {
    tries += 1;
    return Promise.reject(storeError('store_unavailable', 'no thread'));
  };
  const { reads, writer, signs } = await watched(place, { open });
  for (let read = 0; read < 5; read++) expect(await reads.call('response', QUERY)).toBeNull();
  expect([tries, signs]).toEqual([1, ['reader: no thread']]);
  await reads.close();
  await writer.terminate();
});

test('one that is closed while it begins is ended', async () => {
  await using place = await scratch();
  const { reads, writer, asked } = await watched(place);
  reads.used();
  await reads.close();
  expect(asked).toEqual(['reader ends']);
  expect(await reads.call('document', 'none')).toBeNull();
  await reads.terminate();
  await writer.terminate();
});
