import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findingLine } from '../contract/finding.ts';
import { loadContract, MAX_FILE_CHARS } from '../contract/load.ts';
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

describe('shipped sets', () => {
  test('are found by name', () => {
    expect(shippedContracts()).toEqual(['data-handling', 'none', 'openai-2026-02']);
  });

  test.each(['data-handling', 'none', 'openai-2026-02'])('%s loads without a finding', name => {
    const { contract, findings } = loadContract(readContractFolder(contractFolder(name, base)));
    expect(findings.map(findingLine)).toEqual([]);
    expect(contract?.id).toBe(name);
  });

  test('the February contract says that it is no legal advice, and carries its money terms', () => {
    const { contract } = loadContract(readContractFolder(contractFolder('openai-2026-02', base)));
    expect(contract?.title).toMatch(/public reporting.*not legal advice/);
    expect(contract?.manifest.commitments.map(term => [term.id, term.amount_usd])).toEqual([
      ['azure-250', 250_000_000_000],
      ['aws-38', 38_000_000_000],
      ['aws-8y', 100_000_000_000],
    ]);
    expect(contract?.manifest.tranches[1]).toMatchObject({
      due: { when: { any: ['ipo-filed', 'milestone-redacted'] } },
    });
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
