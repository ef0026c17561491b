import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { checkContract } from '../../contract/load.ts';
import { loadContractWith } from '../../contract/load-with.ts';
import { contractFolder, readContractFolder, shippedContracts } from '../contracts.ts';
import { CEDAR_APART, primeCedar, startCedar } from './cedar-apart.ts';
import { CEDAR_HERE } from '../../contract/cedar-here.ts';

test('Cedar in its own thread finds what it finds in this one, for every shipped set', () => {
  for (const name of shippedContracts()) {
    const files = readContractFolder(contractFolder(name, '/'));
    const { contract, findings } = loadContractWith(CEDAR_APART, files);
    expect([name, contract?.clauses.length, findings]).toEqual([
      name,
      loadContractWith(CEDAR_HERE, files).contract?.clauses.length,
      checkContract(files),
    ]);
  }
}, 60_000);

test('its errors are those of Cedar', () => {
  const files = readContractFolder(contractFolder('none', '/'));
  const broken = { ...files, 'clauses.cedar': '@id("none.all")\npermit (principal, action, resourc);\n' };
  const { contract, findings } = loadContractWith(CEDAR_APART, broken);
  expect(contract).toBeNull();
  expect(findings).toEqual(checkContract(broken));
  expect(findings.map(({ code }) => code)).toContain('cedar_syntax');
});

const threads = (): number => (process.report.getReport() as { workers: readonly unknown[] }).workers.length;

test('the thread that has rested ends, and another takes its place', async () => {
  const asked = () => CEDAR_APART.policyToJson('permit (principal, action, resource);').type;
  expect(asked()).toBe('success');
  expect(threads()).toBe(1);
  await vi.waitFor(() => expect(threads()).toBe(0), { timeout: 20_000, interval: 100 });
  expect(asked()).toBe('success');
  expect(threads()).toBe(1);
}, 30_000);

test('the thread is made ready while this one goes on, whatever the contracts are, and rests afterwards', async () => {
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  await primeCedar([readContractFolder(contractFolder('none', '/')), { 'contract.yaml': '{' }, {}]);
  clearInterval(turning);
  expect(turns).toBeGreaterThan(0);
  expect(CEDAR_APART.policyToJson('permit (principal, action, resource);').type).toBe('success');
  await vi.waitFor(() => expect(threads()).toBe(0), { timeout: 20_000, interval: 100 });
}, 40_000);

test('what is on the shelf needs no thread, at the start either', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-shelf-'));
  vi.stubEnv('NODE_COMPILE_CACHE', folder);
  try {
    const files = readContractFolder(contractFolder('openai-2026-02', '/'));
    startCedar();
    await vi.waitFor(() => expect(threads()).toBe(1), { timeout: 900, interval: 5 });
    const asked = loadContractWith(CEDAR_APART, files);
    await vi.waitFor(() => expect(threads()).toBe(0), { timeout: 20_000, interval: 100 });
    startCedar();
    const kept = loadContractWith(CEDAR_APART, files);
    expect(threads()).toBe(0);
    expect(kept.findings).toEqual(asked.findings);
    expect(kept.contract?.clauses.length).toBe(asked.contract?.clauses.length);
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  }
}, 40_000);
