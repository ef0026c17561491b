/** A message of input as an item. */
import type { NewItem, SessionMessage } from '@perdure/protocol';

export function messageItem({ content }: SessionMessage): NewItem {
  const parts = content.map(part => (part.type === 'input_image' ? { ...part, detail: 'auto' } : part));
  return { type: 'message', role: 'user', status: 'completed', content: parts } as unknown as NewItem;
}
