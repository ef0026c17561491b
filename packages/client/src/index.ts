export { createPerdureClient, type CallOptions, type PerdureClient, type PerdureClientOptions } from './client.ts';
