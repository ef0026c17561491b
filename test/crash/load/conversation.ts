/** A conversation: its items are the context, one turn at a time, and are listed and compared at its end. */
import type { Client } from './client.ts';
import { MODEL } from './chain.ts';
import { codeOf, type Endpoint, fieldsOf, send } from './http.ts';
import { type ConversationRecord, type Json, textOf, type TurnRecord } from './ledger.ts';
import { type Load, pause, postTurn, settleTurn } from './turns.ts';

const TURNS = { least: 3, most: 5 };

export function conversationClient(load: Load, name: string): Client {
  const { random, ledger, violations } = load;
  let made = 0;
  let secret = '';
  let length = 0;
  let turns = 0;
  let conversation: ConversationRecord | null = null;
  let open: TurnRecord | null = null;

  async function begin(endpoint: Endpoint): Promise<void> {
    made += 1;
    secret = random.word(9);
    length = random.between(TURNS.least, TURNS.most);
    turns = 0;
    const content = `The drawer of ${vault()} opens with ${secret}.`;
    const body = JSON.stringify({ items: [{ type: 'message', role: 'user', content }] });
    const answer = await send(endpoint, { method: 'POST', path: '/v1/conversations', body });
    if (answer.status === 200) {
      conversation = { client: name, id: String(fieldsOf(answer.text)['id']), turns: [] };
      ledger.conversations.push(conversation);
    } else if (answer.status === 507 && load.mayBeFull) {
      load.refusedFull += 1;
      await pause(25);
    } else if (!(load.mayBeFull && answer.status === 503)) {
      violations.add(
        'liveness',
        `a conversation was answered ${answer.status} ${codeOf(answer)}`,
        answer.text.slice(0, 300),
      );
    }
  }

  const vault = (): string => `${name}x${made}`.replaceAll('-', '');
  const isLast = (): boolean => turns >= length - 1;

  function compose(in_: ConversationRecord): TurnRecord {
    const marker = random.word(12);
    const text = isLast()
      ? `Ticket ${marker}. Which word opens the drawer of ${vault()}?`
      : `Ticket ${marker}. [[words: ${random.between(20, 60)}]]`;
    const stream = random.chance(0.5);
    const body = JSON.stringify({ model: MODEL, input: text, stream, store: true, conversation: in_.id });
    const record = ledger.turn({ client: name, marker, body, stream, key: null, input: [text], asksForCall: false });
    in_.turns.push(record);
    return record;
  }

  async function bring(
    endpoint: Endpoint,
    in_: ConversationRecord,
    record: TurnRecord,
    known: Promise<boolean>,
  ): Promise<void> {
    const done = await known;
    record.open = false;
    const resource = record.resource;
    if (!done || resource?.['status'] !== 'completed') {
      open = null;
      return;
    }
    if (isLast()) {
      // Kept open until the items were compared, so that a cut in between leads back here.
      await compareItems(load, endpoint, in_);
      if (!textOf(resource).includes(secret))
        violations.add(
          'context',
          'the conversation was not kept',
          `${in_.id} ${record.id ?? '-'}: wanted ${secret}, got ${textOf(resource).slice(0, 200)}`,
        );
      ledger.recalled += 1;
      conversation = null;
    }
    turns += 1;
    open = null;
  }

  return {
    name,
    busy: () => open !== null,
    async step(endpoint) {
      if (conversation === null) return begin(endpoint);
      if (open === null) {
        open = compose(conversation);
        return bring(endpoint, conversation, open, postTurn(load, endpoint, open));
      }
      if (open.id !== null) return bring(endpoint, conversation, open, settleTurn(load, endpoint, open));
      open.open = false;
      open = null;
    },
  };
}

/** Every item once; every completed turn's input there; nothing that was never sent. @throws ConnectionCut */
export async function compareItems(load: Load, endpoint: Endpoint, conversation: ConversationRecord): Promise<void> {
  const items: Json[] = [];
  for (let after = ''; ; ) {
    const path = `/v1/conversations/${conversation.id}/items?order=asc&limit=100${after}`;
    const answer = await send(endpoint, { method: 'GET', path });
    if (answer.status !== 200) {
      load.violations.add('L2', `an acknowledged conversation is answered ${answer.status}`, conversation.id);
      return;
    }
    const page = fieldsOf(answer.text);
    items.push(...((page['data'] ?? []) as Json[]));
    if (page['has_more'] !== true) break;
    after = `&after=${String(page['last_id'])}`;
  }
  const ids = items.map(item => String(item['id']));
  if (new Set(ids).size !== ids.length)
    load.violations.add('L2', 'an item is there twice', `${conversation.id}: ${ids.join(' ')}`);
  const said = items.filter(item => item['role'] === 'user').map(item => JSON.stringify(item['content']));
  for (const turn of conversation.turns) {
    const times = said.filter(text => text.includes(turn.marker)).length;
    const least = turn.resource?.['status'] === 'completed' ? 1 : 0;
    if (times < least || times > 1)
      load.violations.add(
        'L2',
        'a conversation holds an input more or less than once',
        `${conversation.id} ${turn.marker}: ${times} times`,
      );
  }
}
