/** What the wire asks of conversations, with compactions as clients see them. */
import type { LoggedItem } from '../log/events.ts';
import type { Caller } from './caller.ts';
import * as conversations from './conversations.ts';
import type { Engine } from './engine.ts';
import type { EngineContext } from './engine-context.ts';

export function conversationCalls(engine: EngineContext): Engine['conversations'] {
  const sealed = (caller: Caller, items: readonly LoggedItem[]): readonly LoggedItem[] =>
    engine.compaction.seals.seal(caller.tenant, items);
  return {
    create: (caller, items, metadata) => conversations.createConversation(engine, caller, items, metadata),
    read: (caller, id) => conversations.readConversation(engine, caller, id),
    update: (caller, id, metadata) => conversations.updateConversation(engine, caller, id, metadata),
    delete: (caller, id, options) => conversations.deleteConversation(engine, caller, id, options),
    addItems: async (caller, id, items) => sealed(caller, await conversations.addItems(engine, caller, id, items)),
    listItems: async (caller, id, query) => {
      const page = await conversations.listItems(engine, caller, id, query);
      return { ...page, items: sealed(caller, page.items) };
    },
    readItem: async (caller, id, item) => {
      const found = await conversations.readConversationItem(engine, caller, id, item);
      return sealed(caller, [found])[0] ?? found;
    },
    deleteItem: (caller, id, item) => conversations.deleteItem(engine, caller, id, item),
  };
}
