import type { Dialect } from '../dialect.ts';
import { ResponsesReader } from './reader.ts';
import { encodeRequest, estimateRequest, leftToDo } from './request.ts';
import { readWhole } from './whole.ts';

/** OpenAI's Responses API, and what speaks like it (Azure OpenAI v1, vLLM, Open Responses servers). */
export const openaiResponses: Dialect = {
  name: 'openai-responses',
  path: '/responses',
  encode: encodeRequest,
  leftToDo,
  estimate: estimateRequest,
  reader: (requestId, toolName) => new ResponsesReader(requestId, toolName),
  whole: readWhole,
};
