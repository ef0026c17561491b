/** Every shipped set: its cases, its layout, and what its check says. A set that is added is tested by being there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findingLine } from '../contract/finding.ts';
import { formatContract } from '../contract/format.ts';
import { parseCases } from './contract-cases.ts';
import { runCases } from './contract-cases-run.ts';
import { sideOfFiles } from './contract-space.ts';
import { CASES_FILE, contractFolder, readContractFolder, shippedContracts } from './contracts.ts';
import { checkClauses } from './contracts-deep-check.ts';
import { tabled, testContract } from './contracts-test.ts';

const SHIPPED = shippedContracts().map(name => [name, contractFolder(name, '/')] as const);

test('every set that is shipped has cases', () => {
  expect(SHIPPED.length).toBeGreaterThanOrEqual(6);
  for (const [name, folder] of SHIPPED) expect([name, existsSync(join(folder, CASES_FILE))]).toEqual([name, true]);
});

describe.each(SHIPPED)('the cases of %s', (_, folder) => {
  const subject = tabled(folder);
  const { checks, unnoticed } = testContract(subject, true);
  test.each(checks.map(check => [`${check.case}: ${check.of}`, check] as const))('%s', (_name, check) => {
    expect(check.got).toBe(check.expected);
  });

  test('notice every clause, and every definition of every reading', () => {
    expect(subject.contract.clauses.length).toBeGreaterThan(0);
    for (const { id } of subject.contract.readings)
      expect(subject.contract.clauses.map(({ reading }) => reading)).toContain(id);
    expect(unnoticed).toEqual([]);
  });

  test('are decided under every reading', () => {
    const asked = subject.cases.file.cases.map(({ reading }) => reading ?? subject.contract.defaultReading);
    for (const { id } of subject.contract.readings) expect(asked).toContain(id);
  });
});

/** The six of docs/contracts.md: clauses that an agreement states beside others that come to the same: they are there to be cited. */
const RESTATED: Readonly<Record<string, readonly string[]>> = {
  'openai-2025-10': ['oct.non-api', 'oct.natsec', 'oct.third-party-api', 'oct.licence'],
  'openai-2026-04': ['april.licence', 'june.bedrock'],
};

describe.each(SHIPPED)('%s', (name, folder) => {
  const files = readContractFolder(folder);

  test('is formatted: perdure contracts fmt', () => {
    for (const [path, formatted] of Object.entries(formatContract(files)))
      expect(formatted, path).toEqual({ ok: true, text: files[path] });
  });

  test('has no dead clause, and none shadowed that is not named here', () => {
    const findings = checkClauses(sideOfFiles([folder], [files], { reading: null, onAmbiguity: 'flag' }));
    const told = findings.filter(({ code }) => code !== 'clause_ambiguous').map(findingLine);
    const restated = RESTATED[name] ?? [];
    expect(told.filter(line => !restated.some(id => line.includes(`clause_shadowed: ${id} `)))).toEqual([]);
    expect(told).toHaveLength(restated.length);
  });
});

test('the template of data-handling, filled as its contract.yaml says, keeps a tenant off a cloud and nobody else', () => {
  const files = readContractFolder(contractFolder('data-handling', '/'));
  const filled = {
    ...files,
    'contract.yaml': (files['contract.yaml'] ?? '').replace(/^# (links:|  - \{id: acme)/gm, '$1'),
  };
  const side = sideOfFiles(['mine'], [filled], { reading: null, onAmbiguity: 'flag' });
  expect(side.contracts[0]?.clauses.map(({ clause }) => clause)).toContain('acme.no-aws');
  const cases = parseCases(
    `places: {aws: {cloud: aws}, azure: {cloud: azure}}
products: {api: {vendor: openai, kind: api}}
channels: {direct: {kind: direct}}
defaults: {at: 2026-03-20, product: api, channel: direct}
cases:
  - {name: its calls, tenant: acme, expect: {places: {aws: {outcome: denied, by: [acme.no-aws]}, azure: allowed}}}
  - {name: its state, tenant: acme, action: place_state, expect: {places: {aws: {outcome: denied, by: [acme.no-aws]}, azure: allowed}}}
  - {name: another tenant, tenant: globex, expect: {places: {aws: allowed}}}
`,
    'cases.yaml',
  );
  if ('problems' in cases) throw new Error(JSON.stringify(cases.problems));
  const checks = runCases(cases.file, 'data-handling', () => side);
  expect(checks).toHaveLength(5);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(checkClauses(side).filter(({ code }) => code === 'clause_dead')).toEqual([]);
});
