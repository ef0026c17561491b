/** The suite on the real server, and on servers that break one rule each. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileKey } from '../packages/server/src/main/config/file-form.ts';
import { MODEL, type Stack, startStack, targetOf } from '../test/support/stack.ts';
import { type Fault, startBadServer } from './planted/bad-server.ts';
import { faultsOf } from './planted/faults.ts';
import { groupOf, run, type RunOptions, type Report, type Result } from './run.ts';

/** What this server does not offer. */
const NOT_OFFERED: readonly string[] = [];
/** What this server is known to do wrong. */
const WRONG: readonly string[] = [];
/** What needs something that this deployment does not have. */
const SKIPPED: readonly string[] = ['stream.heartbeat'];
/** Of every target here. */
const CONTEXT_TOKENS = 20_000;

const secretOf = (name: string): string => `secret-of-${name}-0000`;
const key = (name: string, tenant: string): FileKey => ({
  name,
  tenant,
  secret: secretOf(name),
  scopes: ['inference', 'read'],
});
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: emulator => ({
      keys: [key('one', 'acme'), key('two', 'rival')],
      targets: [targetOf(emulator, 'aws', { context_tokens: CONTEXT_TOKENS })],
    }),
  });
});
afterAll(() => stack.close());

const optionsOf = (url: string, more: Partial<RunOptions> = {}): RunOptions => ({
  baseUrl: `${url}/v1`,
  key: secretOf('one'),
  otherKey: secretOf('two'),
  model: MODEL,
  only: [],
  skip: [],
  emulator: null,
  contextTokens: CONTEXT_TOKENS,
  heartbeatMs: 0,
  timeoutMs: 20_000,
  ...more,
});
const idsOf = (results: readonly Result[], verdict: Result['verdict']): readonly string[] =>
  results.filter(result => result.verdict === verdict).map(result => result.id);
const failures = ({ results }: Report): string =>
  results
    .filter(({ id, verdict }) => verdict === 'fail' && !WRONG.includes(id))
    .map(({ id, seen }) => `${id}: ${seen}`)
    .join('\n');

describe('the server', () => {
  test('fails no check, and offers all but what is listed here', async () => {
    const report = await run(optionsOf(stack.url));
    expect(failures(report)).toBe('');
    expect(idsOf(report.results, 'fail')).toEqual(WRONG);
    expect(idsOf(report.results, 'not offered').toSorted()).toEqual([...NOT_OFFERED].toSorted());
    expect(idsOf(report.results, 'skipped').toSorted()).toEqual([...SKIPPED].toSorted());
    expect(report.emulator).toBe(true);
    expect(report.counts.pass).toBeGreaterThan(90);
  }, 300_000);
});

/** The groups of the checks that must notice, and the widest of the others. */
const groupsFor = ({ fails }: Fault): readonly string[] => [
  ...new Set([...fails.map(groupOf), 'response', 'stream', 'errors', 'schema']),
];

describe('a server that', () => {
  // What the good server fails or lacks tells nothing about a bad one.
  const skip = [...NOT_OFFERED, ...WRONG];
  test.each(faultsOf(secretOf('one'), secretOf('two')).map(fault => [fault.name, fault] as const))(
    '%s is told so, by name',
    async (_name, fault) => {
      const bad = await startBadServer(stack.url, fault);
      try {
        const report = await run(optionsOf(bad.url, { only: groupsFor(fault), skip, emulator: true }));
        const expected = fault.fails.filter(id => !skip.includes(id)).toSorted();
        expect([...idsOf(report.results, 'fail')].toSorted()).toEqual(expected);
      } finally {
        await bad.close();
      }
    },
    600_000,
  );

  test('only passes everything on passes', async () => {
    const good = await startBadServer(stack.url, { name: 'does no harm', fails: [] });
    try {
      expect(failures(await run(optionsOf(good.url, { skip, emulator: true })))).toBe('');
    } finally {
      await good.close();
    }
  });
});
