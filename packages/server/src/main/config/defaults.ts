/** What is there without being configured. */
import type { Product } from '../../placement/facts.ts';
import type { ChannelConfig, HomeConfig } from './config.ts';

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 4180;
export const DEFAULT_DATA = './data';
export const DEFAULT_LEDGER_INTERVAL_MS = 1000;
export const DEFAULT_LEDGER_ORIGIN = 'perdure';
export const DEFAULT_TENANT = 'local';
export const DEFAULT_CHANNEL = 'direct';
export const DEFAULT_PRODUCT = 'api';
export const DEFAULT_SEGMENT = 'commercial';
export const DEFAULT_JURISDICTION = 'unspecified';
export const DEFAULT_SOVEREIGNTY = 'commercial';

export const BUILT_IN_PRODUCTS: readonly Product[] = [
  { id: 'api', vendor: 'openai', kind: 'api' },
  { id: 'frontier', vendor: 'openai', kind: 'runtime' },
];

export const BUILT_IN_CHANNELS: readonly ChannelConfig[] = [
  { id: 'direct', seller: null, kind: 'direct' },
  { id: 'bedrock', seller: 'amazon', kind: 'third-party' },
  { id: 'azure', seller: 'microsoft', kind: 'third-party' },
];

export const LOCAL_HOME: HomeConfig = {
  id: 'local',
  cloud: 'local',
  region: 'local',
  jurisdiction: DEFAULT_JURISDICTION,
  sovereignty: DEFAULT_SOVEREIGNTY,
  clearances: [],
  store: 'sqlite',
};

export const DEFAULT_SHADOW_MINUTES = 60;
