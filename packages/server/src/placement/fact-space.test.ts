import { describe, expect, test } from 'vitest';
import { pointsOf, requestAt } from './axis.ts';
import { addUse, noUse } from './clause-use.ts';
import { compare } from './compare.ts';
import { type FactSpace } from './fact-space.ts';
import { home, load, shippedFiles, snapshotOf, target } from './fixture.test-support.ts';
import { MAX_CLASSES, MAX_LABELS, MAX_PLACES, NoSuchValue, SpaceTooWide } from './space-bounds.ts';
import { contractOf, spaceOf } from './space.test-support.ts';
import { OFFER_STATES } from './supposed.ts';

const FEBRUARY = shippedFiles('openai-2026-02');
const DATA = shippedFiles('data-handling');

function values(space: FactSpace, name: string): readonly string[] {
  return space.calls.find(({ dimension }) => dimension.name === name)?.dimension.choices.map(one => one.label) ?? [];
}

const infer = (condition: string): string =>
  `forbid (principal, action == Action::"infer", resource) when { ${condition} };`;

describe('a fact space', () => {
  test('of clauses that read nothing has a class for each action', () => {
    const space = spaceOf([shippedFiles('none')]);
    expect(space.size).toBe(4);
    expect(space.places.places).toHaveLength(1);
  });

  test('has the values that clauses name, and one for all others', () => {
    const space = spaceOf([FEBRUARY]);
    expect(values(space, 'vendor')).toEqual(['openai', 'any other vendor']);
    expect(values(space, 'segment')).toEqual(['us-natsec', 'any other segment']);
    expect(values(space, 'state')).toEqual(['state held', 'no state held']);
    expect(values(space, 'purpose')).toHaveLength(1);
    expect(values(space, 'at')).toEqual(['before 2026-02-27', 'from 2026-02-27 until 2026-04-27', 'from 2026-04-27']);
    expect(space.places.places.map(({ id }) => id)).toEqual(['aws', 'azure', 'any cloud but aws or azure']);
    const products = values(space, 'product');
    expect(products).toContain('frontier');
    expect(products).toContain('any api product of openai');
    expect(products).toContain('any other runtime product of openai');
  });

  test('tells labels apart that clauses or places name, and one that none does', () => {
    const space = spaceOf([DATA]);
    const labels = space.calls.map(({ dimension }) => dimension.name).filter(name => name.includes('label'));
    // The same is asked of the session's labels and of the request's.
    expect(labels).toEqual(['label:us-gov', 'label:another-label']);
    const configured = spaceOf([DATA], { places: [target('a', 'aws', { clearances: ['restricted'] })] });
    expect(configured.calls.some(({ dimension }) => dimension.name === 'label:restricted')).toBe(true);
  });

  test.each([
    ['P.contains("l1") || C.contains("l1")', ['label:l1']],
    ['C.contains("l1") || context.call.stateHeld || P.contains("l1")', ['label:l1']],
    ['!(P.containsAny(["l1"])) && !(C.containsAny(["l1"]))', ['label:l1']],
    ['!(["l1"].containsAll(P) && ["l1"].containsAll(C))', ['label:l1']],
    ['P.contains("l1") && C.contains("l1")', ['session-label:l1', 'request-label:l1']],
    ['P.containsAll(["l1"]) || C.containsAll(["l1"])', ['session-label:l1', 'request-label:l1']],
    ['["l1"].containsAll(P) || ["l1"].containsAll(C)', ['session-label:l1', 'request-label:l1']],
    [
      'P.contains("l1") || C.contains("l2")',
      ['session-label:l1', 'session-label:l2', 'request-label:l1', 'request-label:l2'],
    ],
    [
      'P.contains("l1") || (P.contains("l2") || C.contains("l2"))',
      ['session-label:l1', 'request-label:l1', 'label:l2'],
    ],
    [
      '(P.contains("l1") && context.call.stateHeld) || (P.contains("l2") || C.contains("l2"))',
      ['session-label:l1', 'request-label:l1', 'label:l2'],
    ],
    ['P == C', ['session-label:the-same', 'request-label:the-same']],
  ])('tells whose labels they are only where clauses do: %s', (condition, expected) => {
    const text = condition.replaceAll('P', 'principal.labels').replaceAll('C', 'context.call.labels');
    const { calls } = spaceOf([contractOf('a', { x: infer(text) })]);
    expect(calls.map(({ dimension }) => dimension.name).filter(name => name.includes('label'))).toEqual(expected);
  });

  test('of configured places, products and channels has no others', () => {
    const space = spaceOf([FEBRUARY], {
      places: [target('t', 'azure'), home('h', 'aws')],
      open: false,
      products: [
        { id: 'api', vendor: 'openai', kind: 'api' },
        { id: 'chat', vendor: 'openai', kind: 'api' },
      ],
      channels: [
        { id: 'direct', seller: null, kind: 'direct' },
        { id: 'resale', seller: 'amazon', kind: 'third-party' },
      ],
    });
    expect(space.places.places.map(({ id }) => id)).toEqual(['t', 'h']);
    expect(values(space, 'vendor')).toEqual(['openai']);
    // No clause tells them apart.
    expect(values(space, 'product')).toEqual(['api or chat']);
    expect(values(space, 'channel')).toEqual(['direct', 'resale']);
  });

  test('of one moment, of a time, and of the moments on both sides of what clauses name', () => {
    const march = Date.UTC(2026, 2, 20);
    expect(values(spaceOf([FEBRUARY], { from: march, to: march }), 'at')).toEqual(['at 2026-03-20']);
    expect(values(spaceOf([FEBRUARY], { from: march }), 'at')).toEqual([
      'from 2026-03-20 until 2026-04-27',
      'from 2026-04-27',
    ]);
    const timed = spaceOf([contractOf('a', { x: infer('context.call.at <= datetime("2026-03-01")') })]);
    const at = timed.calls.find(({ dimension }) => dimension.name === 'at')?.dimension.choices.map(one => one.value);
    const first = Date.UTC(2026, 2, 1);
    expect(at).toEqual([first - 1, first, first + 1]);
  });

  test('tells agents, keys, scopes, targets and what was done apart', () => {
    const clauses = {
      agent: infer('context.call has agent && context.call.agent.id == "clerk" && context.call.agent.version < 3'),
      key: infer('principal.key == "key_a" && principal.scopes.contains("agents")'),
      target: infer('resource.id == "aws-1" && resource.model == "gpt"'),
      used: infer('context.use.toolsRun > 4'),
    };
    const space = spaceOf([contractOf('a', clauses)]);
    expect(values(space, 'agent')).toEqual([
      'no agent',
      'agent clerk, version 1',
      'agent clerk, version 2',
      'agent clerk, version 3',
      'agent clerk, version 4 or more',
      'any other agent, version 1',
      'any other agent, version 2',
      'any other agent, version 3',
      'any other agent, version 4 or more',
    ]);
    expect(values(space, 'key')).toEqual(['key_a', 'any other key']);
    expect(values(space, 'scope:agents')).toEqual(['key without agents', 'key with agents']);
    expect(values(space, 'soFar.toolsRun')).toEqual(['0', '3', '4', '5 or more']);
    expect(space.places.places.map(({ id }) => id)).toEqual([
      'aws-1',
      'aws-1',
      'any id but aws-1, model gpt',
      'any id but aws-1, any model but gpt',
    ]);
    const last = [...pointsOf(space.calls)].at(-1) ?? [];
    expect(requestAt(space.calls, last).facts).toMatchObject({
      principal: { key: 'anything-else', scopes: ['agents'] },
      agent: { id: 'anything-else', version: 4 },
      soFar: { turns: 0, toolsRun: 5 },
      session: { use: { toolsRun: 0 } },
    });
  });

  test('has every fact that the schema may gain, by what clauses compare it with', () => {
    const mentions = {
      facts: new Map([
        ['call.agent.name', { constants: new Set(['clerk']), isSet: false, isTime: false }],
        ['call.spent', { constants: new Set([100]), isSet: false, isTime: false }],
        ['call.urgent', { constants: new Set<never>(), isSet: false, isTime: false }],
        ['place.accelerator', { constants: new Set(['gpu']), isSet: false, isTime: false }],
      ]),
      pairs: [],
    };
    const space = spaceOf([], { mentions });
    expect(values(space, 'agent.name')).toEqual(['clerk', 'any other']);
    expect(values(space, 'spent')).toEqual(['99', '100', '101 or more']);
    expect(values(space, 'urgent')).toEqual(['true', 'false']);
    const all = [...pointsOf(space.calls)].map(point => requestAt(space.calls, point).facts);
    expect(all).toHaveLength(4 * 2 * 3 * 2);
    expect(all[0]).toMatchObject({ agent: { name: 'clerk' }, spent: 99, session: { urgent: true } });
    expect(space.places.places.map(place => 'accelerator' in place && place.accelerator)).toEqual(['gpu', 'another']);
  });

  test('is narrowed to the values that are wanted', () => {
    const space = spaceOf([FEBRUARY], { only: { product: ['frontier'], segment: ['us-natsec'], action: ['infer'] } });
    expect(space.size).toBe(2 * 1 * 5 * 1 * 3 * 2 * 2);
    const wanted = (only: Record<string, string[]>) => () => spaceOf([FEBRUARY], { only });
    expect(wanted({ prodct: ['x'] })).toThrow(/no dimension prodct here \(there are: action, vendor, product/);
    expect(wanted({ product: ['frontyer'] })).toThrow(NoSuchValue);
  });
});

describe('what was recorded', () => {
  const EVERY = [
    ...OFFER_STATES.map(state => `context.call.firstRefusal.${state}.contains("f1")`),
    'context.call.events.contains("e1")',
    'context.call.spend.month >= 5000000',
    'context.call.spend.total > 0',
  ];
  const TIMES = ['', 'effective: {from: 2026-03-01}', 'effective: {to: 1960-03-01}', 'effective: {from: 9999-12-31}'];

  test.each(EVERY.flatMap(asked => TIMES.map(time => [asked, time] as const)))('%s is met (%s)', (asked, time) => {
    const files = contractOf('a', { x: infer(asked), not: infer(`!(${asked})`) }, { yaml: `${time}\n` });
    const use = noUse();
    addUse(use, load(files), null, spaceOf([files]));
    expect([...use.decided].toSorted()).toEqual(['a.base', 'not', 'x']);
  });

  test('is never less than it can be', () => {
    const files = contractOf('a', { x: infer('context.call.spend.month < 0') });
    const use = noUse();
    addUse(use, load(files), null, spaceOf([files]));
    expect([...use.applied]).toEqual(['a.base']);
  });

  test('makes a contract without dates differ from one that asks nothing', () => {
    const none = contractOf('a', {});
    for (const asked of EVERY) {
      const files = contractOf('b', { x: infer(asked) });
      const { changed } = compare(snapshotOf([load(none)]), snapshotOf([load(files)]), spaceOf([none, files]));
      expect([asked, changed]).toEqual([asked, expect.any(Number)]);
      expect(changed).toBeGreaterThan(0);
    }
  });
});

describe('bounds', () => {
  const vendors = (count: number): string =>
    infer(Array.from({ length: count }, (_, i) => `context.call.vendor == Vendor::"v${i}"`).join(' || '));
  const purposes = infer('context.call.segment like "*" && context.call.purpose like "*"');

  test('a space may have that many classes and no more', () => {
    // 4 actions, 10 purposes, 3 segments, and the vendors with one for all others.
    const most = Math.floor(MAX_CLASSES / (4 * 10 * 3)) - 1;
    const constants = (count: number) => ({
      facts: new Map([
        [
          'call.vendor',
          { constants: new Set(Array.from({ length: count }, (_, i) => `v${i}`)), isSet: false, isTime: false },
        ],
        ['call.purpose', { constants: new Set(['']), isSet: false, isTime: false }],
        ['call.segment', { constants: new Set(['']), isSet: false, isTime: false }],
      ]),
      pairs: [],
    });
    expect(spaceOf([], { mentions: constants(most) }).size).toBe((most + 1) * 120);
    const wide = () => spaceOf([], { mentions: constants(most + 1) });
    expect(wide).toThrow(SpaceTooWide);
    expect(wide).toThrow(
      new RegExp(
        `tell more than ${MAX_CLASSES} kinds of request apart; at most ${MAX_CLASSES}.*widest.* vendor \\(${most + 2} values\\).*--only vendor=VALUE`,
      ),
    );
    expect(spaceOf([contractOf('a', { x: vendors(3), y: purposes })]).size).toBe(4 * 4 * 10 * 3);
  });

  test('so many places and no more', () => {
    const clouds = (count: number) => ({
      facts: new Map([
        [
          'place.cloud',
          { constants: new Set(Array.from({ length: count }, (_, i) => `c${i}`)), isSet: false, isTime: false },
        ],
      ]),
      pairs: [],
    });
    expect(spaceOf([], { mentions: clouds(MAX_PLACES - 1) }).places.places).toHaveLength(MAX_PLACES);
    expect(() => spaceOf([], { mentions: clouds(MAX_PLACES) })).toThrow(
      /513 places apart; at most 512.*cloud \(513 values\)/,
    );
    const many = Array.from({ length: MAX_PLACES + 1 }, (_, i) => home(`h${i}`, 'aws'));
    expect(() => spaceOf([], { places: many })).toThrow(SpaceTooWide);
    expect(spaceOf([], { places: many.slice(1) }).places.places).toHaveLength(MAX_PLACES);
  });

  test('so many labels and no more', () => {
    const labels = (count: number) => ({
      facts: new Map([
        [
          'session.labels',
          { constants: new Set(Array.from({ length: count }, (_, i) => `l${i}`)), isSet: true, isTime: false },
        ],
      ]),
      pairs: [],
    });
    expect(spaceOf([], { mentions: labels(MAX_LABELS) }).size).toBe(4 * 2 ** MAX_LABELS);
    expect(() => spaceOf([], { mentions: labels(MAX_LABELS + 1) })).toThrow(/7 labels apart.*at most 6.*fewer/);
  });
});
