export {
  createPerdureClient,
  type CallOptions,
  type PerdureClient,
  type PerdureClientOptions,
  type UsageListQuery,
} from './client.ts';
