import { answerTo } from './answer.ts';
import { chatReply } from './chat-reply.ts';
import { readChatRequest } from './chat-request.ts';
import { missing, stringIn, type Fields } from './fields.ts';
import { answeredBy, checkModel } from './models.ts';
import type { Prompt } from './prompt.ts';
import type { Identity, Reply } from './reply.ts';
import { responsesReply } from './responses-reply.ts';
import { readResponsesRequest } from './responses-request.ts';

/** A request read and checked in its dialect. The answer is made only when `reply` is called. */
export interface Completion {
  readonly model: string;
  readonly stream: boolean;
  readonly prompt: Prompt;
  readonly reply: (identity: Identity) => Reply;
}

export function readCompletion(dialect: 'responses' | 'chat', cloud: string, body: Fields): Completion {
  const model = stringIn(body, 'model');
  if (model === null || model === '') throw missing('model');
  checkModel(model);
  if (dialect === 'responses') {
    const request = readResponsesRequest(body, cloud, answeredBy(model));
    const { prompt, stream, echo, encryptedReasoning: encrypted, logprobs } = request;
    return {
      model,
      stream,
      prompt,
      reply: identity => responsesReply(answerTo(prompt), echo, identity, { encrypted, logprobs }),
    };
  }
  const { prompt, stream, includeUsage, serviceTier, logprobs } = readChatRequest(body, cloud);
  const style = { model: answeredBy(model), serviceTier, includeUsage, logprobs };
  return { model, stream, prompt, reply: identity => chatReply(answerTo(prompt), style, identity) };
}
