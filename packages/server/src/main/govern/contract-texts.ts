/** The texts of contracts that are activated: digests of each file, and the document that keeps a contract's files in a store. */
import { createHash } from 'node:crypto';
import { perdureError } from '@perdure/protocol';
import type { Contract } from '../../contract/contract.ts';
import { checkContractSet } from '../../contract/contract-set.ts';
import { type Finding, findingLine } from '../../contract/finding.ts';
import { type LoadedContract, loadContractWith } from '../../contract/load-with.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import type { ContractRef } from './activation.ts';
import { CEDAR_APART } from './cedar-apart.ts';

/** Characters of all files of one activation: 4 Mi. */
export const MAX_ACTIVATION_CHARS: number = 4 * 1024 * 1024;
/** Loaded contracts kept in memory: compiling one costs much more than looking it up. */
const KEPT = 64;

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** In the order of their paths, so that the same files have the same digest. */
function sorted(files: ContractFiles): ContractFiles {
  return Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function documentOfFiles(files: ContractFiles): string {
  return JSON.stringify(sorted(files));
}

export function filesOfDocument(text: string): ContractFiles {
  return JSON.parse(text) as ContractFiles;
}

export function digestOfFiles(files: ContractFiles): {
  readonly digest: string;
  readonly files: Record<string, string>;
} {
  const digests = Object.fromEntries(Object.entries(sorted(files)).map(([path, text]) => [path, hex(text)]));
  return { digest: hex(JSON.stringify(digests)), files: digests };
}

/** The name under which a store keeps them. */
export function documentName(digest: string): string {
  return `contract:${digest}`;
}

export interface CheckedContract {
  readonly ref: ContractRef;
  readonly files: ContractFiles;
}

const loaded = new Map<string, LoadedContract>();

/** As `loadContract`, which is pure, with Cedar in a thread of its own: the same files are compiled once. */
export function loadOnce(files: ContractFiles): LoadedContract {
  const { digest } = digestOfFiles(files);
  const known = loaded.get(digest) ?? loadContractWith(CEDAR_APART, files);
  loaded.delete(digest);
  loaded.set(digest, known);
  for (const oldest of loaded.keys()) if (loaded.size > KEPT) loaded.delete(oldest);
  return known;
}

interface Given {
  readonly name: string;
  readonly files: ContractFiles;
}

/** @throws PerdureError body_too_large */
export function checkChars(given: readonly Given[]): void {
  let chars = 0;
  for (const { files } of given) for (const text of Object.values(files)) chars += text.length;
  if (chars > MAX_ACTIVATION_CHARS)
    throw perdureError(
      'body_too_large',
      `Contracts have ${chars} characters; at most ${MAX_ACTIVATION_CHARS} are activated together.`,
    );
}

/** @throws PerdureError contracts_invalid with every finding; body_too_large */
export function checkContracts(given: readonly Given[]): readonly CheckedContract[] {
  checkChars(given);
  const findings: Finding[] = [];
  const contracts: Contract[] = [];
  const checked = given.flatMap(({ name, files }) => {
    const { contract, findings: own } = loadOnce(files);
    findings.push(...own.map(finding => ({ ...finding, file: `${name}/${finding.file}` })));
    if (contract === null) return [];
    contracts.push(contract);
    return [{ ref: { id: contract.id, version: contract.version, ...digestOfFiles(files) }, files }];
  });
  findings.push(...checkContractSet(contracts));
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.length === 0) return checked;
  throw perdureError('contracts_invalid', `The contracts cannot be used: ${errors.map(findingLine).join('; ')}`, {
    param: 'contracts',
    details: {
      findings: errors.map(({ level, code, message, file, line, hint }) => ({
        level,
        code,
        message,
        file,
        line,
        hint,
      })),
    },
  });
}
