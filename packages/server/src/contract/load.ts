/** Loads contract folders with Cedar in this thread: for commands, which end when they are done. A server's is in a thread of its own. */
import { CEDAR_HERE } from './cedar-here.ts';
import type { Finding } from './finding.ts';
import { type LoadedContract, loadContractWith } from './load-with.ts';
import type { ContractFiles } from './rule.ts';

/** The findings of a folder, for people and CI. */
export function checkContract(files: ContractFiles): readonly Finding[] {
  return loadContract(files).findings;
}

export function loadContract(files: ContractFiles): LoadedContract {
  return loadContractWith(CEDAR_HERE, files);
}
