import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkContractSet } from '../contract/contract-set.ts';
import type { Contract } from '../contract/contract.ts';
import { findingLine } from '../contract/finding.ts';
import { loadContract } from '../contract/load.ts';
import { MAX_FILE_CHARS } from '../contract/load-with.ts';
import {
  ContractFolderError,
  contractFolder,
  MAX_CONTRACT_ENTRIES,
  readContractFolder,
  shippedContracts,
} from './contracts.ts';

let base = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'perdure-contracts-'));
});
afterAll(() => {
  rmSync(base, { recursive: true });
});

const code = (act: () => unknown): string => {
  try {
    act();
    return 'nothing thrown';
  } catch (error) {
    return error instanceof ContractFolderError ? error.code : String(error);
  }
};

const ERAS = ['openai-2025-10', 'openai-2026-02', 'openai-2026-04'] as const;
const SHIPPED = ['data-handling', 'example-acme', 'none', ...ERAS];

function shipped(name: string): Contract {
  const { contract, findings } = loadContract(readContractFolder(contractFolder(name, base)));
  if (contract === null) throw new Error(findings.map(findingLine).join('\n'));
  return contract;
}

describe('shipped sets', () => {
  test('are found by name', () => {
    expect(shippedContracts()).toEqual(SHIPPED);
  });

  test.each(SHIPPED)('%s loads without a finding', name => {
    const { contract, findings } = loadContract(readContractFolder(contractFolder(name, base)));
    expect(findings.map(findingLine)).toEqual([]);
    expect(contract?.id).toBe(name);
  });

  test.each(ERAS)('%s says that it is no legal advice', name => {
    expect(shipped(name).title).toMatch(/public reporting.*not legal advice/);
  });

  test('all of them can be configured together', () => {
    expect(checkContractSet(SHIPPED.map(shipped), shippedContracts()).map(findingLine)).toEqual([]);
    for (const name of ERAS) expect(checkContractSet([shipped(name)], shippedContracts())).toEqual([]);
  });

  test('every money term stands in the set of the era that it began in, and again only where it changed', () => {
    const held = (name: string) => {
      const { commitments, capacity, prepaid, tranches, shares, caps } = shipped(name).manifest;
      return [...commitments, ...capacity, ...prepaid, ...tranches, ...shares, ...caps].map(({ id }) => id);
    };
    expect(held('openai-2025-10')).toEqual(['azure-250', 'aws-38', 'msft-13b', 'msft-share']);
    expect(held('openai-2026-02')).toEqual(['aws-8y', 'trainium-2gw', 'amzn-1', 'amzn-2']);
    expect(held('openai-2026-04')).toEqual(['msft-share']);
  });

  test('the eras together hold the terms as reported', () => {
    const eras = ERAS.map(shipped);
    const [october, february, april] = eras.map(({ manifest }) => manifest);
    const commitments = eras.flatMap(({ manifest }) => manifest.commitments);
    const { capacity, tranches } = february ?? { capacity: [], tranches: [] };
    const openai = { payer: 'openai' };
    expect(commitments).toMatchObject([
      { ...openai, id: 'azure-250', payee: 'microsoft', amount_usd: 250_000_000_000, from: '2025-10-28', to: null },
      { ...openai, id: 'aws-38', payee: 'amazon', amount_usd: 38_000_000_000, from: '2025-11-03', to: '2032-11-03' },
      { ...openai, id: 'aws-8y', payee: 'amazon', amount_usd: 100_000_000_000, from: '2026-02-27', to: '2034-02-27' },
    ]);
    expect(commitments.map(term => [term.counts.cloud, term.shortfall])).toEqual([
      ['azure', 'unknown'],
      ['aws', 'unknown'],
      ['aws', 'owed'],
    ]);
    // On top of the $38B.
    expect(commitments.map(term => term.on_top_of)).toEqual([null, null, 'aws-38']);
    expect(capacity).toMatchObject([
      { provider: 'amazon', cloud: 'aws', accelerator: 'trainium', amount: 2, unit: 'GW' },
    ]);
    expect(october?.prepaid).toMatchObject([{ payer: 'microsoft', to: 'openai', amount_usd: 13_000_000_000 }]);
    expect(tranches).toMatchObject([
      { payer: 'amazon', payee: 'openai', amount_usd: 15_000_000_000, due: { on: '2026-03-31' } },
      {
        amount_usd: 35_000_000_000,
        due: { when: { any: ['ipo-filed', 'milestone-redacted'] } },
        // Before the end of 2028: the last day counts.
        before: '2029-01-01',
        notice_business_days: 5,
      },
    ]);
    const share = { id: 'msft-share', ...openai, payee: 'microsoft', percent: 20 };
    // Through 2030: the last day counts.
    expect(april?.shares).toMatchObject([{ ...share, cap_usd: 38_000_000_000, to: '2031-01-01' }]);
    expect(october?.shares).toMatchObject([{ ...share, cap_usd: null, to: null }]);
  });

  test('the example of a customer has its commitments and its caps', () => {
    const { kind, manifest } = shipped('example-acme');
    expect(kind).toBe('house-rules');
    expect(manifest.commitments.map(({ id, payer, counts }) => [id, payer, counts.cloud])).toEqual([
      ['aws-edp', 'acme', 'aws'],
      ['azure-macc', 'acme', 'azure'],
    ]);
    const anywhere = { tenant: null, product: null, channel: null, cloud: null };
    expect(manifest.caps).toEqual([
      { id: 'monthly', amount_usd: 60_000, per: 'month', scope: anywhere },
      { id: 'lab-daily', amount_usd: 200, per: 'day', scope: { ...anywhere, tenant: 'lab' } },
    ]);
  });
});

describe('other folders', () => {
  const make = (name: string, files: Record<string, string>): string => {
    const folder = join(base, name);
    mkdirSync(join(folder, 'readings'), { recursive: true });
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
    return folder;
  };

  test('are found by path, and come before a shipped set of the same name', () => {
    const folder = make('none', {
      'contract.yaml': 'id: mine',
      'a.cedar': 'a',
      'readings/r.cedar': 'r',
      'notes.md': 'not read',
    });
    expect(contractFolder('none', base)).toBe(folder);
    expect(contractFolder('./none', base)).toBe(folder);
    expect(contractFolder(folder, '/')).toBe(folder);
    expect(readContractFolder(folder)).toEqual({
      'contract.yaml': 'id: mine',
      'a.cedar': 'a',
      'readings/r.cedar': 'r',
    });
  });

  test('that are missing are named', () => {
    expect(code(() => contractFolder('nowhere', base))).toBe('contract_not_found');
    expect(code(() => contractFolder('../../etc', base))).toBe('contract_not_found');
    expect(code(() => readContractFolder(join(base, 'nowhere')))).toBe('contract_not_found');
  });

  test('may have so many entries and no more', () => {
    const files = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.md`, '']));
    // One entry is the readings folder.
    expect(code(() => readContractFolder(make('many', files(MAX_CONTRACT_ENTRIES - 1))))).toBe('nothing thrown');
    expect(code(() => readContractFolder(make('more', files(MAX_CONTRACT_ENTRIES))))).toBe('contract_folder_too_large');
  });

  test('with a file that is too large are refused by the loader', () => {
    const folder = make('large', { 'contract.yaml': 'x'.repeat(MAX_FILE_CHARS * 2) });
    const { findings } = loadContract(readContractFolder(folder));
    expect(findings.map(finding => finding.code)).toEqual(['file_too_large']);
  });
});
