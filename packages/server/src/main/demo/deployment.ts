/** The deployment that the story plays on: two homes, two clouds, four customers and one who may not sell, on a day of March 2026. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CliError, EXIT } from '../cli/exit.ts';
import type { FileConfig, FileKey } from '../config/file-form.ts';
import { CUSTOMERS, UNLICENSED } from './customers.ts';
import type { Upstreams } from './upstreams.ts';

/** The day that the contracts see: two days into the dispute, five weeks before it was settled. */
export const AS_OF = '2026-03-20';
export const CONTRACTS: readonly string[] = ['openai-2026-02', 'data-handling'];

export interface Deployment {
  /** The text of its perdure.yaml. */
  readonly yaml: string;
  /** API keys by customer. */
  readonly keys: { readonly [customer: string]: string };
}

/**
 * @param contracts the folder that holds the contract sets; null for the shipped ones
 * @throws CliError if a set is missing there
 */
export function makeDeployment(upstreams: Upstreams, contracts: string | null): Deployment {
  const keys: Record<string, string> = {};
  const entries = [...CUSTOMERS, UNLICENSED].map(({ id, product, channel }): FileKey => {
    const secret = `demo_${randomBytes(24).toString('base64url')}`;
    keys[id] = secret;
    return { name: id, hash: createHash('sha256').update(secret).digest('hex'), tenant: id, product, channel };
  });
  const config: FileConfig = {
    listen: { host: '127.0.0.1', port: 0 },
    as_of: AS_OF,
    contracts: CONTRACTS.map(name => (contracts === null ? name : folderIn(contracts, name))),
    homes: [
      { id: 'azure', cloud: 'azure', region: 'eastus', jurisdiction: 'us' },
      { id: 'aws', cloud: 'aws', region: 'us-east-1', jurisdiction: 'us' },
    ],
    targets: upstreams.targets,
    keys: entries,
  };
  return { yaml: stringify(config), keys };
}

function folderIn(contracts: string, name: string): string {
  const folder = join(contracts, name);
  if (!existsSync(join(folder, 'contract.yaml'))) {
    throw new CliError(EXIT.usage, `there is no contract ${name} in ${contracts}`, {
      hint: `It must hold: ${CONTRACTS.join(', ')}.`,
    });
  }
  return folder;
}
