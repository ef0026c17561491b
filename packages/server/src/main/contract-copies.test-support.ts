/** Contracts to be tried by the commands: copies of shipped sets, and a configuration. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractFolder } from './contracts.ts';

/** A copy of a shipped set below `cwd`, with one text replaced in one of its files. @returns its name */
export function copyIn(cwd: string, set: string, file: string, from: string | RegExp, to: string): string {
  const folder = join(cwd, 'mine');
  cpSync(contractFolder(set, cwd), folder, { recursive: true });
  const text = readFileSync(join(folder, file), 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${String(from)} is not in ${file}`);
  writeFileSync(join(folder, file), changed);
  return 'mine';
}

export const CONFIG = `
targets:
  - {id: az, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "http://127.0.0.1:1/v1"}
  - {id: gc, vendor: openai, model: gpt, cloud: gcp, region: us-east1, base_url: "http://127.0.0.1:1/v1"}
homes:
  - {id: az-home, cloud: azure, region: eastus2}
contracts: [openai-2026-02, data-handling]
`;
