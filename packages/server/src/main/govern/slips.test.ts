/** What may be a slip of the pen is done, and told: an event that no contract asks for, a waiver of a tenant that nobody knows. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { shippedFiles } from '../../placement/fixture.test-support.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { contractFolder } from '../contracts.ts';
import { keyLine } from '../keys/key-lines.test-support.ts';
import { eventsAskedIn } from './events-asked.ts';
import {
  auditor,
  booted,
  configOf,
  FEBRUARY,
  NONE,
  NONE_CONFIGURED,
  ops,
  second,
  wanted,
} from './world.test-support.ts';

vi.setConfig({ testTimeout: 60_000 });

const dir = mkdtempSync(join(tmpdir(), 'perdure-slips-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const named = (event: string) => ({ event, date: '2026-03-19', source: 's' });

test('who asks for an event: clauses, definitions and tranches, each once', () => {
  const files = {
    'contract.yaml': [
      'id: own',
      'version: "1"',
      'kind: house-rules',
      'title: Rules.',
      'sources: {ours: {title: Ours}}',
      'clauses: {}',
      'readings: [{id: r, title: R}]',
      'tranches: [{id: first, payer: a, payee: b, amount_usd: 1, when: {any: [signed, built]}, before: 2029-01-01}]',
      '',
    ].join('\n'),
    'a.cedar':
      '@id("twice") forbid (principal, action, resource) when { context.call.events.contains("signed") || context.call.events.contains("signed") };\n' +
      '@id("any") forbid (principal, action, resource) when { context.call.events.containsAny(["built", "sold"]) };\n' +
      '@id("none") permit (principal, action, resource);\n',
    'readings/r.cedar':
      '@id("r.one") permit (principal, action == Action::"stateless", resource) when { context.call.events.contains("sold") };\n',
  };
  const asked = eventsAskedIn(files);
  expect(Object.fromEntries(asked)).toEqual({
    signed: ['own/twice', 'own/first'],
    built: ['own/any', 'own/first'],
    sold: ['own/any', 'own/r.one'],
  });
});

test('of a shipped contract, clauses and tranches', () => {
  const asked = eventsAskedIn(shippedFiles('openai-2026-02'));
  expect(asked.get('agi-verified')).toEqual(['openai-2026-02/joint.stateless']);
  expect(asked.get('ipo-filed')).toEqual(['openai-2026-02/amzn-2']);
});

test('an event that nobody asks for is recorded, with the nearest one that somebody asks for', async () => {
  const { desk } = await booted();
  const slip = await desk.recordEvent(ops, named('agi-verifed'));
  expect(slip).toMatchObject({ state: 'recorded', asked_by: [] });
  expect(slip.warnings).toEqual([
    "No contract that is in force, to come or configured asks for 'agi-verifed' (did you mean agi-verified?): it decides nothing before one does.",
  ]);
  expect((await desk.recordEvent(ops, named('moon-landing'))).warnings[0]).toMatch(/ \(they ask for: .*agi-verified/);
  const meant = await desk.recordEvent(ops, named('agi-verified'));
  expect(meant).toMatchObject({ warnings: [], asked_by: ['openai-2026-02/joint.stateless'] });
});

test('a contract that is to come counts, and one that is configured and not in force; a pending one does not yet', async () => {
  const { desk } = await booted(NONE_CONFIGURED);
  expect((await desk.recordEvent(ops, named('agi-verified'))).warnings[0]).toContain('(they ask for none)');
  const february = wanted({ contracts: [FEBRUARY], reading: 'as-written', effective: '2026-04-01' });
  const pending = await desk.activate(ops, { ...february, require_second: true });
  expect((await desk.recordEvent(ops, named('agi-verified'))).warnings).toHaveLength(1);
  await desk.rejectActivation(second, pending.id);
  await desk.activate(ops, february);
  expect((await desk.recordEvent(ops, named('agi-verified'))).warnings).toEqual([]);
  const configured = await booted(configOf());
  await configured.desk.activate(ops, wanted({ contracts: [NONE] }));
  const recorded = await configured.desk.recordEvent(ops, named('agi-verified'));
  expect(recorded).toMatchObject({ warnings: [] });
});

test('the list has the configuration’s events too, and who asks for each', async () => {
  const events = [{ id: 'ipo-filed', date: '2026-03-01', source: 'the file' }];
  const { desk } = await booted({ events });
  await desk.recordEvent(ops, named('moon-landing'));
  expect(await desk.events()).toMatchObject([
    { event: 'moon-landing', recorded_by: 'key_ops', asked_by: [] },
    {
      id: 'config:ipo-filed',
      state: 'recorded',
      event: 'ipo-filed',
      date: '2026-03-01',
      recorded_by: 'config',
      recorded_at: null,
      asked_by: ['openai-2026-02/amzn-2'],
    },
  ]);
});

test('a waiver of a tenant that nobody knows is granted, and told with the nearest one; who sees one tenant is named no other', async () => {
  const tenants = new Map([['acme', { responsesMs: null, conversationsMs: null }]]) as never;
  const { retention } = configOf();
  const { desk } = await booted({ retention: { ...retention, tenants } });
  const grant = async (tenant: string | undefined, who = ops) => {
    const scope = tenant === undefined ? { product: 'api' } : { tenant };
    const of = { contract: 'openai-2026-02', clause: 'joint.stateless', until: '2026-03-25', reason: 'r' };
    return (await desk.grantWaiver(who, { ...of, ...scope })).warnings;
  };
  expect(await grant('acme')).toEqual([]);
  expect(await grant('local')).toEqual([]);
  expect(await grant(undefined)).toEqual([]);
  expect(await grant('acmee')).toEqual([
    "No key, setting or session is of a tenant 'acmee' (did you mean acme?): it waives nothing before one is.",
  ]);
  expect((await grant('umbrella'))[0]).toContain("'umbrella': it waives nothing");
  expect(await grant('acmee', auditor)).toEqual([]);
});

test('the command line says so beside the answer, and in JSON', async () => {
  writeFileSync(
    join(dir, 'perdure.yaml'),
    [
      'data: ./data',
      `contracts: [${contractFolder('openai-2026-02', '.')}]`,
      'reading: as-written',
      'as_of: 2026-03-20',
      'events: [{ id: ipo-filed, date: 2026-03-01, source: the file }]',
      'targets:',
      '  - { id: aws-gpt, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:1" }',
      'keys:',
      keyLine('app', 'inference, read', 'acme'),
      '',
    ].join('\n'),
  );
  const run = (...argv: readonly string[]) => perdure(argv, { cwd: dir });
  const record = (event: string, ...more: readonly string[]) =>
    run('events', 'record', event, '--date', '2026-03-12', '--source', 'a filing', ...more);
  const slip = await record('agi-verifed');
  expect([slip.code, slip.err]).toEqual([0, expect.stringContaining('(did you mean agi-verified?)')]);
  expect((await record('agi-verified')).err).not.toContain('Warning');
  const json = await record('agi-verifed', '--json');
  expect([JSON.parse(json.out), json.err]).toMatchObject([
    { warnings: [expect.stringContaining('agi-verified')] },
    expect.not.stringContaining('Warning'),
  ]);
  const { out } = await run('events', 'list');
  expect(out).toMatch(/^ID .* BY +ASKED BY +SOURCE\n/);
  expect(out).toMatch(/agi-verifed .* local +- +a filing\n/);
  expect(out).toMatch(/config:ipo-filed +ipo-filed +2026-03-01 +recorded +config +openai-2026-02\/\S.* the file\n/);
  const waiver = ['waivers', 'grant', '--contract', 'openai-2026-02', '--clause', 'joint.stateless', '--reason', 'r'];
  const grant = (tenant: string) => run(...waiver, '--until', '2026-03-25', '--tenant', tenant);
  expect((await grant('acme')).err).not.toContain('Warning');
  const unknown = await grant('acne');
  expect([unknown.code, unknown.err]).toEqual([0, expect.stringContaining('(did you mean acme?)')]);
});
