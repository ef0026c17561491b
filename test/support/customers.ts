/** The March 2026 case: two clouds, a home on each, and the ways in which OpenAI's models are sold. */
import type { Emulator } from '@perdure/emulator';
import type { FileConfig, FileKey } from '../../packages/server/src/main/config/file-form.ts';
import { targetOf } from './stack.ts';

export type Customer =
  | 'api-direct'
  | 'api-bedrock'
  | 'frontier-direct'
  | 'frontier-bedrock'
  | 'frontier-azure'
  | 'api-natsec';

export function keyOf(customer: Customer): string {
  return `secret-of-${customer}`;
}

const KEYS: readonly FileKey[] = [
  { name: 'api-direct', product: 'api', channel: 'direct' },
  { name: 'api-bedrock', product: 'api', channel: 'bedrock' },
  { name: 'frontier-direct', product: 'frontier', channel: 'direct' },
  { name: 'frontier-bedrock', product: 'frontier', channel: 'bedrock' },
  { name: 'frontier-azure', product: 'frontier', channel: 'azure' },
  { name: 'api-natsec', product: 'api', channel: 'bedrock', segment: 'us-natsec' },
];

/** All on one tenant: what differs is what they bought, and from whom. */
export function marchConfig(over: Partial<FileConfig> = {}, clouds: readonly string[] = ['azure', 'aws']) {
  return (emulator: Emulator): Partial<FileConfig> => ({
    as_of: '2026-03-20',
    contracts: ['openai-2026-02'],
    homes: [
      { id: 'azure', cloud: 'azure', region: 'eastus2', jurisdiction: 'us' },
      { id: 'aws', cloud: 'aws', region: 'us-east-1', jurisdiction: 'us' },
    ],
    targets: clouds.map(cloud => targetOf(emulator, cloud)),
    keys: KEYS.map(key => ({ ...key, secret: `secret-of-${key.name}` })),
    ...over,
  });
}
