/** Cedar in this thread. Who imports it holds Cedar's code (some 40 MB once it ran) until the thread ends. */
import { policySetTextToParts, policyToJson, templateToJson, validate } from '@cedar-policy/cedar-wasm/nodejs';
import type { Cedar } from './cedar.ts';

export const CEDAR_HERE: Cedar = { policySetTextToParts, policyToJson, templateToJson, validate };
