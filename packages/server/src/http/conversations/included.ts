/** Items as reads of a conversation show them: what is long or opaque only to who asks for it with `include`. */
import type { LoggedItem } from '../../log/events.ts';
import { rawQuery } from '../query.ts';

const LOGPROBS = 'message.output_text.logprobs';
const ENCRYPTED = 'reasoning.encrypted_content';

/** What a query string asks for; other values than those that are known have no effect. */
export function includesOf(url: string | undefined): ReadonlySet<string> {
  const query = rawQuery(url);
  return new Set([...(query['include[]'] ?? []), ...(query['include'] ?? [])]);
}

export function included(item: LoggedItem, include: ReadonlySet<string>): LoggedItem {
  if (item.type === 'reasoning' && !include.has(ENCRYPTED)) {
    const { encrypted_content: _, ...rest } = item;
    return rest;
  }
  const content = item['content'];
  if (item.type !== 'message' || include.has(LOGPROBS) || !Array.isArray(content)) return item;
  return { ...item, content: content.map(withoutLogprobs) };
}

function withoutLogprobs(part: unknown): never {
  const has = typeof part === 'object' && part !== null && 'logprobs' in part;
  return (has ? { ...part, logprobs: [] } : part) as never;
}
