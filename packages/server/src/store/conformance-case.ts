/** What a conformance case gets and how it is run. Cases are plain functions, so that a test can watch them fail on a planted bad store. */
import { deepStrictEqual } from 'node:assert/strict';
import type { Append, AppendResult } from '../engine/ports.ts';
import type { ProjectionChange, SessionRow } from '../log/rows.ts';
import type { HomeStore } from './home-store.ts';
import { nextAppend, type SampleSession, took } from './sample.ts';

/** A clock that a case sets. */
export interface CaseClock {
  wall: number;
  monotonic: number;
}

/** One store, empty at first, for one case. */
export interface StoreFixture {
  readonly store: HomeStore;
  readonly clock: CaseClock;
  /** Opens what was kept a second time; the first handle is not used after. `orderly`: it was closed before. */
  reopen(how: 'orderly' | 'abrupt'): Promise<HomeStore>;
  dispose(): Promise<void>;
}

export interface StoreFactory {
  readonly name: string;
  create(): Promise<StoreFixture>;
}

export interface ConformanceCase {
  readonly name: string;
  run(fixture: StoreFixture): Promise<void>;
}

/** The store did not answer. */
export class LateAnswer extends Error {}

/** Runs a case on a fresh store. @throws LateAnswer after `deadlineMs`; anything else if the store breaks its promise */
export async function runCase(one: ConformanceCase, factory: StoreFactory, deadlineMs: number): Promise<void> {
  const fixture = await factory.create();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateAnswer(`no answer within ${deadlineMs} ms: ${one.name}`)), deadlineMs);
  });
  try {
    await Promise.race([one.run(fixture), late]);
  } finally {
    clearTimeout(timer);
    await fixture.dispose();
  }
}

/** Appends and expects to win; the session moves on. */
export async function commit(
  store: HomeStore,
  session: SampleSession,
  contents: readonly (string | null)[],
  changes: readonly ProjectionChange[] = [],
  row: Partial<SessionRow> = {},
): Promise<Append> {
  const append = nextAppend(session, contents, changes, row);
  expectResult(await store.append(append), { ok: true });
  took(session, append);
  return append;
}

export function expectResult(result: AppendResult, expected: AppendResult): void {
  deepStrictEqual(result, expected);
}

/** Everything of a session that a tenant can read: to show that something changed nothing. */
export async function snapshot(store: HomeStore, session: SampleSession): Promise<unknown> {
  const { tenant, session: id } = session;
  const everything = { tenant, session: id, from: 1, limit: 1000 };
  return {
    row: await store.session(tenant, id),
    events: await store.events(everything),
    runs: await store.runs({ ...everything, to: 1_000_000, order: 'asc' }),
    journal: await store.journal(tenant, id),
    retained: await store.retained(tenant, id),
    placements: (await store.placements({ tenant, order: 'asc', limit: 1000 })).filter(placed => placed.session === id),
  };
}
