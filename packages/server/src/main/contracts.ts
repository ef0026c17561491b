/** Contract folders on disk: the shipped sets by name, any other by path. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAX_FILE_CHARS } from '../contract/load-with.ts';
import type { ContractFiles } from '../contract/rule.ts';

/** Where shipped sets lie: in the published package, or at the root of a checkout. */
const SHIPPED = ['../../contracts', '../../../../contracts'].map(path => fileURLToPath(new URL(path, import.meta.url)));

/** Table cases lie beside a contract and are no part of it: what decides is named by a digest, which they must not change. */
export const CASES_FILE = 'cases.yaml';

/** Entries of a contract folder, folders included. More is a mistake: a whole disk, say. */
export const MAX_CONTRACT_ENTRIES = 200;

export class ContractFolderError extends Error {
  override readonly name = 'ContractFolderError';
  readonly code: 'contract_not_found' | 'contract_folder_too_large';
  constructor(code: ContractFolderError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Names of the shipped contract sets. */
export function shippedContracts(): string[] {
  const root = SHIPPED.find(path => existsSync(path));
  if (root === undefined) return [];
  const folders = readdirSync(root, { withFileTypes: true }).filter(entry => entry.isDirectory());
  return folders.map(entry => entry.name).toSorted();
}

/**
 * The folder that a name or path means.
 * @param base what a relative path is relative to (the folder of the config file)
 * @throws ContractFolderError `contract_not_found`
 */
export function contractFolder(nameOrPath: string, base: string): string {
  const isName = /^[a-z0-9][a-z0-9.-]*$/.test(nameOrPath);
  const shipped = isName ? SHIPPED.map(root => join(root, nameOrPath)) : [];
  for (const folder of [resolve(base, nameOrPath), ...shipped]) {
    if (existsSync(join(folder, 'contract.yaml'))) return folder;
  }
  const hint = `shipped sets: ${shippedContracts().join(', ') || 'none found'}`;
  throw new ContractFolderError(
    'contract_not_found',
    `no contract at ${JSON.stringify(nameOrPath)}: no folder with a contract.yaml (${hint})`,
  );
}

/**
 * Reads the `.yaml` and `.cedar` files of a contract folder, by path within it (with forward slashes).
 * @throws ContractFolderError
 */
export function readContractFolder(folder: string): ContractFiles {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new ContractFolderError('contract_not_found', `no folder ${folder}`);
  }
  const files: Record<string, string> = {};
  const open = [folder];
  let entries = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      entries += 1;
      if (entries > MAX_CONTRACT_ENTRIES) {
        const message = `${folder} has more than ${MAX_CONTRACT_ENTRIES} entries: is it a contract?`;
        throw new ContractFolderError('contract_folder_too_large', message);
      }
      const path = join(next, entry.name);
      if (entry.isDirectory()) open.push(path);
      else if (/\.(yaml|cedar)$/.test(entry.name) && path !== join(folder, CASES_FILE))
        files[relative(folder, path).split(sep).join('/')] = readBounded(path);
    }
  }
  return files;
}

/** A file above the bound is cut just past it: the loader then says so. */
function readBounded(path: string): string {
  const text = readFileSync(path, 'utf8');
  return text.length > MAX_FILE_CHARS ? text.slice(0, MAX_FILE_CHARS + 1) : text;
}
