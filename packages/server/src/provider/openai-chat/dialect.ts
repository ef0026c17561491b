import type { Dialect } from '../dialect.ts';
import { ChatReader } from './reader.ts';
import { encodeRequest, estimateRequest } from './request.ts';
import { readWhole } from './whole.ts';

/** OpenAI's Chat Completions, and the many servers that speak it (vLLM, Ollama, llama.cpp). */
export const openaiChat: Dialect = {
  name: 'openai-chat',
  path: '/chat/completions',
  encode: encodeRequest,
  leftToDo: () => null,
  estimate: estimateRequest,
  reader: (requestId, toolName) => new ChatReader(requestId, toolName),
  whole: readWhole,
};
