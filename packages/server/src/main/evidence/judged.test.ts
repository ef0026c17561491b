/** Reports over single placements: by whose definition a session counts, what is left out, what monitor mode would have excluded. */
import { expect, test } from 'vitest';
import type { PlacementRecord } from '../../engine/placements.ts';
import type { SessionId } from '../../kernel/ids.ts';
import { decide } from '../../placement/decide.ts';
import type { Action, CallFacts, Use } from '../../placement/facts.ts';
import {
  CHANNELS,
  call,
  type CallParts,
  type Files,
  PLACES,
  shippedFiles,
} from '../../placement/fixture.test-support.ts';
import { SELF_HOSTED } from '../../placement/outside.ts';
import { toRecord } from '../../placement/record.ts';
import { DEFAULT_WEIGHTS } from '../../placement/snapshot.ts';
import { type SnapshotDocument, snapshotOfDocument } from '../snapshots.ts';
import { lockIn } from './lock-in.ts';
import type { RecordedData } from './recorded.ts';
import { statefulness } from './statefulness.ts';
import { visibility } from './visibility.ts';

const ALL = { from: null, to: null, tenant: null };
const BOOKS = () => ({ currency: 'USD', costs: {}, rates: [] });
const use = (parts: Partial<Use> = {}): Use => ({
  turns: 1,
  itemsRead: 0,
  memoryReads: 0,
  toolsRun: 0,
  filesTouched: 0,
  ...parts,
});

/** A set whose reading `substance` goes by the number of turns alone, up to a number. */
const own = (turns: number): Files => ({
  'contract.yaml': [
    'id: own',
    'version: "1"',
    'title: Ours.',
    'effective: {from: 2026-01-01}',
    'sources:\n  own: {title: Ours}',
    'default_reading: plain',
    'readings:\n  - {id: plain, title: Plain}\n  - {id: substance, title: In substance, retrospective: true}',
    'clauses:',
    ...['all', 'apart', 'plain.none', 'substance.few'].map(
      id => `  ${id}: {source: own, confidence: A, summary: Ours.}`,
    ),
    '',
  ].join('\n'),
  'rules.cedar': `@id("all")\n@cite("ours")\npermit (principal, action, resource);\n@id("apart")\n@cite("ours")\nforbid (principal, action == Action::"infer", resource)\nwhen { resource in Cloud::"aws" };\n`,
  'readings/plain.cedar':
    '@id("plain.none")\n@cite("ours")\npermit (principal, action == Action::"stateless", resource)\nwhen { !context.call.stateHeld };\n',
  'readings/substance.cedar': `@id("substance.few")\n@cite("ours")\npermit (principal, action == Action::"stateless", resource)\nwhen { context.use.turns <= ${turns} };\n`,
});

const documentOf = (more: Partial<SnapshotDocument> = {}): SnapshotDocument => ({
  form: 1,
  places: PLACES,
  contracts: [],
  reading: null,
  enforce: true,
  onAmbiguity: 'flag',
  weights: DEFAULT_WEIGHTS,
  ...more,
});

interface Made {
  readonly session: string;
  readonly document: SnapshotDocument;
  readonly action?: Action;
  readonly facts?: CallParts;
  readonly kind?: PlacementRecord['kind'];
  /** Whether its snapshot is not kept any more. */
  readonly gone?: boolean;
  readonly only?: string;
}

/** A log of placements, each decided as a server would have. */
function logOf(made: readonly Made[], uses: { readonly [session: string]: Use | null } = {}): RecordedData {
  const documents = new Map<string, string>();
  const placements = made.map((one, i): PlacementRecord => {
    const { snapshot, document } = snapshotOfDocument(one.document);
    if (one.gone !== true) documents.set(snapshot.version, document);
    const action = one.action ?? 'infer';
    const facts: CallFacts = call(one.facts);
    const how = one.only === undefined ? {} : { only: [one.only] };
    const decision = decide(snapshot, action, facts, {}, how);
    const { product, channel, segment, stateHeld, tenant } = facts.session;
    return {
      id: `plc_${i}`,
      at: facts.at,
      tenant,
      session: one.session as SessionId,
      response: null,
      action,
      purpose: facts.purpose,
      home: 'local',
      kind: one.kind ?? 'responses',
      origin: { product: product.id, channel: channel.id, segment, stateHeld, readings: {} },
      record: toRecord(decision, snapshot, facts, {}, how) as unknown as PlacementRecord['record'],
      chosen: decision.chosen,
      call: { status: 'completed', usage: { input: 10, cached: 0, output: 5, reasoning: 0 } },
    };
  });
  const nothing = (): never => {
    throw new Error('no report asks');
  };
  return {
    source: '',
    count: async () => placements.length,
    async *pages() {
      yield { placements, place: { home: 'local', tenant: 'acme', after: 0 } };
    },
    texts: nothing,
    hasTenant: nothing,
    use: async ({ session }) => (session in uses ? (uses[session] ?? null) : use()),
    document: async version => documents.get(version) ?? null,
    close: async () => undefined,
  };
}

test('the reading substance of the contract that bound a session says whether it was one, else the built-in rule', async () => {
  const [three, one, none] = [documentOf({ contracts: [own(3)] }), documentOf({ contracts: [own(1)] }), documentOf()];
  const data = logOf(
    [
      { session: 'a', document: three },
      { session: 'b', document: one },
      { session: 'c', document: none },
      { session: 'd', document: none },
      // What binds its calls counts, not what bound its state.
      { session: 'e', document: one, action: 'place_state' },
      { session: 'e', document: three },
    ],
    { a: use({ turns: 3 }), b: use({ turns: 2 }), c: use({ turns: 1 }), d: use({ turns: 2 }), e: use({ turns: 2 }) },
  );
  const found = await statefulness(data, ALL, BOOKS);
  expect(found).toMatchObject({ sessions: 5, in_name_only: 3 });
  expect(found.named.map(({ session }) => session)).toEqual(['a', 'c', 'e']);
  expect(found.rules).toEqual([
    { rule: 'built-in', sessions: 2, in_name_only: 1 },
    { rule: 'own@1:substance', sessions: 3, in_name_only: 2 },
  ]);
});

test('what cannot be told is counted, not dropped', async () => {
  const data = logOf(
    [
      { session: 'a', document: documentOf() },
      { session: 'b', document: documentOf({ onAmbiguity: 'refuse' }), gone: true },
      { session: 'c', document: documentOf() },
    ],
    { c: null },
  );
  const left = { placements_without_snapshot: 1, placements_without_contracts: 0 };
  expect(await statefulness(data, ALL, BOOKS)).toMatchObject({
    sessions: 1,
    left_out: { ...left, sessions_without_log: 1, sessions_without_class: 0 },
  });
  expect(await visibility(data, ALL, BOOKS)).toMatchObject({ calls: 2, left_out: left });
  expect(await lockIn(data, ALL, BOOKS)).toMatchObject({ calls: 2, left_out: left });
});

test('a definition that fails leaves its session out, and says so', async () => {
  const failing: Files = {
    ...own(1),
    'readings/substance.cedar':
      '@id("substance.few")\n@cite("ours")\npermit (principal, action == Action::"stateless", resource)\nwhen { context.use.turns * 9007199254740991 > 0 };\n',
  };
  const made = [{ session: 'a', document: documentOf({ contracts: [failing] }) }];
  // The product passes what 64 bits hold.
  const data = logOf(made, { a: use({ turns: 2000 }) });
  expect(await statefulness(data, ALL, BOOKS)).toMatchObject({ sessions: 0, left_out: { sessions_without_class: 1 } });
});

test('a file, or an environment alone, is no session, and is told apart where it is kept', async () => {
  const document = documentOf();
  const state = { document, action: 'place_state' as const, facts: { model: '' } };
  const data = logOf([
    { ...state, session: 'file' },
    { ...state, session: 'conversation', kind: 'conversation' },
    { ...state, session: 'agent', kind: 'agent' },
    { ...state, session: 'response', facts: {} },
  ]);
  expect((await statefulness(data, ALL, BOOKS)).sessions).toBe(3);
  const found = await visibility(data, ALL, BOOKS);
  expect(found.sessions).toBe(3);
  expect(found.clouds.map(({ cloud, state: kept }) => [cloud, kept.sessions, kept.apart])).toEqual([['aws', 3, 1]]);
});

test('tools that ran on a cloud, and what left, are seen there', async () => {
  const document = documentOf();
  const tool = { tool: { name: 'bash', origin: 'builtin' as const } };
  const run = { document, action: 'execute' as const, facts: tool };
  const found = await visibility(
    logOf([
      { ...run, session: 'a', only: 'home-azure' },
      { ...run, session: 'a', only: 'home-azure' },
      { ...run, session: 'b', only: SELF_HOSTED },
      {
        session: 'b',
        document,
        action: 'egress',
        facts: { destination: { host: 'example.com', use: 'web' } },
        only: 'open-network',
      },
    ]),
    ALL,
    BOOKS,
  );
  expect(found.calls).toBe(0);
  expect(found.clouds.map(({ cloud, execute, egress }) => [cloud, execute, egress])).toEqual([
    ['azure', { runs: 2, sessions: 1 }, { transfers: 0, sessions: 0 }],
    ['open-network', { runs: 0, sessions: 0 }, { transfers: 1, sessions: 1 }],
    ['self-hosted', { runs: 1, sessions: 1 }, { transfers: 0, sessions: 0 }],
  ]);
});

test('in monitor mode a call counts as enforcing would have had it', async () => {
  const contracts = [own(1)];
  const two = PLACES.filter(({ id }) => id === 'azure' || id === 'aws' || id.startsWith('home'));
  const places = {
    enforced: { contracts, places: two },
    alone: { contracts, places: two.filter(({ id }) => id !== 'aws') },
  };
  const found = await lockIn(
    logOf([
      { session: 'a', document: documentOf({ ...places.enforced }) },
      { session: 'b', document: documentOf({ ...places.enforced, enforce: false }) },
      { session: 'c', document: documentOf({ ...places.alone, enforce: false }) },
      { session: 'd', document: documentOf({ places: two }) },
    ]),
    ALL,
    BOOKS,
  );
  expect(found).toMatchObject({
    calls: 4,
    one_legal: 2,
    one_configured: 1,
    one_cloud: 3,
    none_legal: 0,
    monitored: 2,
    share: { one_legal: 5000, one_configured: 2500 },
    clauses: [{ clause: 'own/apart', calls: 2 }],
  });
});

test('a call through a channel that may not sell is left no legal target, monitored or not', async () => {
  const contracts = [shippedFiles('openai-2026-02')];
  const document = documentOf({ contracts, reading: 'as-written', enforce: false });
  const facts = {
    session: { channel: CHANNELS.vertex, product: { id: 'frontier', vendor: 'openai', kind: 'runtime' as const } },
  };
  expect(await lockIn(logOf([{ session: 'a', document, facts }]), ALL, BOOKS)).toMatchObject({ none_legal: 1 });
});
