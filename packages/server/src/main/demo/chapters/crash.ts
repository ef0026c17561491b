/** SIGKILL in the middle of a streaming answer, a restart on what is left, and what must be true then. */
import type { PlacementResource } from '@perdure/protocol';
import type OpenAI from 'openai';
import { differs } from '../claims.ts';
import { CUSTOMERS, CUT_CUSTOMER, CUT_LINE } from '../customers.ts';
import { FACTS } from '../facts.ts';
import { judgeCall } from '../placed.ts';
import { row } from '../report.ts';
import type { Stage } from '../stage.ts';
import { knows, messageOf, requestOf, type Talk } from '../talk.ts';
import { aTurn } from './talks.ts';

type StreamEvent = OpenAI.Responses.ResponseStreamEvent;

/** Deltas that the client has read when the server is killed. */
const DELTAS_BEFORE_KILL = 6;
/** Until the restarted server has finished the turn, ms. */
const FINISH_MS = 60_000;
const POLL_MS = 50;
/** Of an answer that is shown, characters. */
const SHOWN_CHARS = 300;
/** Slows an emulated model down to the speed of a real one, so that there is a middle to be killed in. */
const SLOWLY = '[[latency: 25]]';
/** A real model gets something to write that takes it as long. */
const AT_LENGTH = 'Then explain in about 150 words why that matters.';

interface Cut {
  readonly talk: Talk;
  readonly message: string;
  readonly response: string;
  readonly placement: string;
  /** Everything that the client had read when the connection ended. */
  readonly seen: readonly StreamEvent[];
}

export async function theCrash(stage: Stage): Promise<void> {
  stage.heading('The server is killed in the middle of an answer');
  await remember(stage);
  const cut = await streamUntilKilled(stage);
  if (cut === null || stage.claims.failed.length > 0) return;
  await stage.restart();
  stage.working('waiting for the turn to be completed');
  await theTurn(stage, cut);
  await theDeltas(stage, cut);
  await theCalls(stage, cut);
  await theHistory(stage, cut);
  stage.heading('After the restart each customer asks about the first turn');
  for (const customer of CUSTOMERS) {
    const talk = stage.talks.get(customer.id);
    stage.say(customer.title);
    if (talk !== undefined) await aTurn(stage, talk, customer.last, `after.${customer.id}`);
  }
}

/** All responses as they are before the crash. */
async function remember({ talks, openai }: Stage): Promise<void> {
  for (const { customer, turns, before } of talks.values()) {
    for (const { response } of turns)
      before.set(response, JSON.stringify(await openai(customer.id).responses.retrieve(response)));
  }
}

async function streamUntilKilled(stage: Stage): Promise<Cut | null> {
  const talk = stage.talks.get(CUT_CUSTOMER);
  if (talk === undefined) return null;
  const emulated = stage.emulated.includes(talk.customer.calls.cloud);
  const message = `${messageOf(CUT_LINE)} ${emulated ? SLOWLY : AT_LENGTH}`;
  let cut: Cut | null = null;
  await stage.claims.check('crash.killed', 'The server was killed while the answer was streaming', async () => {
    const { data, response } = await stage
      .openai(CUT_CUSTOMER)
      .responses.create({ ...requestOf(talk, message), stream: true })
      .withResponse();
    const seen: StreamEvent[] = [];
    let killing: Promise<void> | null = null;
    try {
      for await (const event of data) {
        seen.push(event);
        if (killing === null && deltasIn(seen) === DELTAS_BEFORE_KILL) killing = stage.kill();
      }
    } catch {
      // The connection went with the server.
    }
    await killing;
    const [first] = seen;
    const id = first?.type === 'response.created' ? first.response.id : '';
    const placement = response.headers.get('perdure-placement') ?? '';
    if (killing !== null) cut = { talk, message, response: id, placement, seen };
    talk.turns.push({ number: talk.turns.length + 1, line: CUT_LINE, message, response: id, placement });
    return {
      text: row('killed', `SIGKILL when the client had read ${deltasIn(seen)} deltas: "${textOf(seen)}"`),
      evidence: { response: id, events: seen.length, deltas: deltasIn(seen) },
      wrong: [
        ...(killing === null ? [`the answer ended before ${DELTAS_BEFORE_KILL} deltas`] : []),
        ...(seen.some(event => event.type === 'response.completed') ? ['the answer was complete already'] : []),
      ],
    };
  });
  return cut;
}

async function theTurn({ claims, openai }: Stage, { talk, message, response: id, seen }: Cut): Promise<void> {
  await claims.check('crash.once', 'The turn that was cut was completed, once', async () => {
    const client = openai(CUT_CUSTOMER);
    const response = await finished(client, id);
    const events = await regenerated(client, id);
    const items = await conversationOf(client, talk);
    const answers = response.output.filter(item => item.type === 'message');
    const complete = answers.filter(item => item.status === 'completed');
    const answer = complete
      .map(item => (item.type === 'message' ? item.content.map(textOfPart).join('') : ''))
      .join('');
    const { about } = CUT_LINE.asks ?? { about: 'government' as const };
    return {
      text: row('completed', `once, and it knows the fact: ${short(answer, SHOWN_CHARS)}`),
      evidence: {
        response: id,
        status: response.status ?? null,
        answer,
        pieces: answers.map(item => item.status ?? null),
      },
      wrong: [
        ...differs('status', response.status, 'completed'),
        ...differs('response.completed events', events.filter(event => event.type === 'response.completed').length, 1),
        ...differs('answers that are complete', complete.length, 1),
        ...differs(
          'times that the message is in the history',
          items.filter(item => textOfItem(item) === message).length,
          1,
        ),
        ...(knows(answer, about) ? [] : [`the answer does not know "${FACTS[about].key}": ${answer}`]),
        ...(deltasIn(events) > deltasIn(seen) ? [] : ['nothing came after what had been read']),
      ],
    };
  });
}

async function theDeltas({ claims, openai }: Stage, { response: id, seen }: Cut): Promise<void> {
  await claims.check(
    'crash.deltas',
    'What the client had read is in the stream as it is read again, unchanged',
    async () => {
      const client = openai(CUT_CUSTOMER);
      const whole = (await regenerated(client, id)).map(event => JSON.stringify(event));
      const had = seen.map(event => JSON.stringify(event));
      const last = seen.at(-1)?.sequence_number ?? -1;
      const rest = (await regenerated(client, id, last)).map(event => JSON.stringify(event));
      const lost = had.filter((event, at) => whole[at] !== event);
      return {
        text: row(
          'kept',
          `all ${had.length} events that were read stand unchanged in the stream, ${rest.length} more follow number ${last}`,
        ),
        evidence: { read: had.length, whole: whole.length, after: last, rest: rest.length },
        wrong: [
          ...lost.slice(0, 1).map(event => `an event that was read is not in the stream: ${event}`),
          ...differs('what was read, and the rest', [...had, ...rest].join('\n') === whole.join('\n'), true),
        ],
      };
    },
  );
}

async function theCalls({ claims, perdure }: Stage, { talk, response, placement: first }: Cut): Promise<void> {
  await claims.check(
    'crash.calls',
    'The call that was cut and the one that replaced it were both placed by contract',
    async () => {
      const { data } = await perdure(CUT_CUSTOMER).placements.list({ response, order: 'asc', limit: 100 });
      const judged = data.map(placement => judgeCall(placement, talk.customer.calls, talk.customer.flagged));
      const ends = data.map(({ call }) => call.status);
      return {
        text: row('placed', judged[1]?.where ?? '', judged[1]?.why ?? '', `twice: ${ends.join(', then ')}`),
        cites: judged.flatMap(one => one.cites),
        evidence: { placements: data.map(placementInShort) },
        wrong: [
          ...judged.flatMap(one => one.wrong),
          ...differs('calls', data.length, 2),
          ...differs('first placement', data[0]?.id ?? null, first),
          ...(ends[0] === 'failed' || ends[0] === 'unknown'
            ? []
            : [`the call that was cut ended ${ends[0] ?? 'nowhere'}`]),
          ...differs('the call that replaced it', ends[1] ?? null, 'completed'),
        ],
      };
    },
  );
}

async function theHistory({ claims, openai, talks }: Stage, cut: Cut): Promise<void> {
  await claims.check('crash.history', 'Everything that was said before is still there, unchanged', async () => {
    const wrong: string[] = [];
    let responses = 0;
    let messages = 0;
    for (const talk of talks.values()) {
      const client = openai(talk.customer.id);
      for (const [id, text] of talk.before) {
        responses += 1;
        if (JSON.stringify(await client.responses.retrieve(id)) !== text) wrong.push(`${id} is not what it was`);
      }
      const said = talk.turns.map(turn => turn.message);
      const kept =
        talk.conversation === null
          ? await chainOf(client, talk)
          : (await conversationOf(client, talk)).flatMap(userText);
      messages += kept.length;
      wrong.push(...differs(`messages of ${talk.customer.id}`, kept, said));
    }
    return {
      text: row('history', `${responses} responses unchanged, ${messages} messages in order, in both homes`),
      evidence: { responses, messages, cut: cut.response },
      wrong,
    };
  });
}

async function finished(client: OpenAI, id: string): Promise<OpenAI.Responses.Response> {
  const deadline = performance.now() + FINISH_MS;
  for (;;) {
    const response = await client.responses.retrieve(id);
    if (response.status !== 'in_progress' && response.status !== 'queued') return response;
    if (performance.now() > deadline) throw new Error(`the turn was not finished within ${FINISH_MS / 1000} s`);
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}

async function regenerated(client: OpenAI, id: string, after?: number): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  const query = { stream: true as const, ...(after !== undefined && { starting_after: after }) };
  for await (const event of await client.responses.retrieve(id, query)) events.push(event);
  return events;
}

type Item = OpenAI.Conversations.ConversationItem | OpenAI.Responses.ResponseItem;

async function conversationOf(client: OpenAI, talk: Talk): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of client.conversations.items.list(talk.conversation ?? '', { order: 'asc', limit: 100 }))
    items.push(item);
  return items;
}

/** What was said in a chain of responses: each one's own input. */
async function chainOf(client: OpenAI, talk: Talk): Promise<readonly string[]> {
  const said: string[] = [];
  for (const { response } of talk.turns) {
    for await (const item of client.responses.inputItems.list(response, { order: 'asc' })) said.push(...userText(item));
  }
  return said;
}

function userText(item: Item): readonly string[] {
  return item.type === 'message' && item.role === 'user' ? [textOfItem(item)] : [];
}

function textOfItem(item: Item): string {
  return item.type === 'message' ? item.content.map(textOfPart).join('') : '';
}

function textOfPart(part: object): string {
  return 'text' in part && typeof part.text === 'string' ? part.text : '';
}

function deltasIn(events: readonly StreamEvent[]): number {
  return events.filter(event => event.type === 'response.output_text.delta').length;
}

function textOf(events: readonly StreamEvent[]): string {
  return events.map(event => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
}

function short(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 3)}...` : text;
}

function placementInShort({ id, target, call }: PlacementResource): string {
  return `${id}: ${target?.id ?? 'nowhere'}, ${call.status}`;
}
