/** What loading a contract asks of Cedar. Every call takes and gives plain data, so that another thread can answer. */
import type * as cedar from '@cedar-policy/cedar-wasm/nodejs';

export type Cedar = Pick<typeof cedar, 'policySetTextToParts' | 'policyToJson' | 'templateToJson' | 'validate'>;
