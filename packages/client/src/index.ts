export {
  createPerdureClient,
  type CallOptions,
  type PerdureClient,
  type PerdureClientOptions,
  type UsageListQuery,
} from './client.ts';
export { type Connection, type Exchange, makeRequester, type Query, type Schema } from './request.ts';
