/** A deployment in memory, whose processes share one store and a clock set by hand. */
import { type HomeId, makeIds } from '../../kernel/ids.ts';
import type { CreateActivation } from '@perdure/protocol';
import { shippedFiles } from '../../placement/fixture.test-support.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import type { Config } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import type { Viewer } from '../../http/perdure/govern-view.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { MemoryData } from '../../store/memory/memory-data.ts';
import { contractFolder } from '../contracts.ts';
import { type Governed, openGoverned } from './open.ts';

type Given = CreateActivation['contracts'][number];

export const DAY = 86_400_000;
export const START: number = Date.UTC(2026, 2, 20, 12);
export const FEBRUARY: Given = { name: 'openai-2026-02', files: shippedFiles('openai-2026-02') };
export const NONE: Given = { name: 'none', files: shippedFiles('none') };
export const ops: Viewer = { principal: 'key_ops', tenant: 'local', all: true };
export const second: Viewer = { principal: 'key_second', tenant: 'local', all: true };
export const auditor: Viewer = { principal: 'key_audit', tenant: 'acme', all: false };

const FILE = `
homes: [{ id: azure-us, cloud: azure, region: eastus2 }]
targets:
  - { id: aws-gpt, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:1" }
`;

export function configOf(more: Partial<Config> = {}): Config {
  const { config } = parseConfig(FILE, { file: 'f', env: {}, base: process.cwd() });
  return { ...config, contracts: [contractFolder('openai-2026-02', '.')], reading: 'as-written', ...more };
}

export interface World {
  readonly clock: { time: number; now(): number; monotonic(): number };
  readonly store: HomeStore;
  readonly data: MemoryData;
  /** Opens what decides about contracts, as another start of the server or a command would. */
  readonly boot: (own?: Config, how?: 'serve' | 'look') => Promise<Governed>;
}

export function world(config: Config = configOf()): World {
  const clock = { time: START, now: () => clock.time, monotonic: () => clock.time };
  const data = emptyMemoryData();
  const home = 'azure-us' as HomeId;
  const store = openMemoryHome({ home, clock, data });
  const ids = makeIds(clock, into => crypto.getRandomValues(into));
  const boot: World['boot'] = (own = config, how = 'serve') =>
    openGoverned(own, { control: store, stores: [store], clock, ids, how });
  return { clock, store, data, boot };
}

export async function booted(more: Partial<Config> = {}): Promise<World & Governed> {
  const made = world(configOf(more));
  return { ...made, ...(await made.boot()) };
}

export const wanted = (more: Partial<CreateActivation> = {}): CreateActivation => ({ contracts: [NONE], ...more });

export const NONE_CONFIGURED: Pick<Config, 'contracts' | 'reading'> = {
  contracts: [contractFolder('none', '.')],
  reading: null,
};
