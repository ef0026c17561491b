/** One customer's conversation, held with the official client. */
import type OpenAI from 'openai';
import type { Customer, Line } from './customers.ts';
import { type FactName, FACTS, told } from './facts.ts';
import { MODEL } from './upstreams.ts';

export interface Turn {
  /** 1 for the first. */
  readonly number: number;
  readonly line: Line;
  /** What the customer said. */
  readonly message: string;
  readonly response: string;
  /** As the answer's header names it. */
  readonly placement: string;
}

export interface Talk {
  readonly customer: Customer;
  /** The conversation that its turns belong to; null for a chain of responses. */
  readonly conversation: string | null;
  readonly turns: Turn[];
  /** The responses as they were before the server was killed, by id. */
  readonly before: Map<string, string>;
}

const INSTRUCTIONS = 'Answer in one sentence, from what this conversation says and nothing else. Quote its words.';
/** For models that are real; an emulated one says what it has to say. */
const OUTPUT_TOKENS = 2_000;

export async function beginTalk(client: OpenAI, customer: Customer): Promise<Talk> {
  const conversation = customer.chain === 'conversation' ? (await client.conversations.create()).id : null;
  return { customer, conversation, turns: [], before: new Map() };
}

export function messageOf({ tells, asks }: Line): string {
  const lines = [
    ...(asks === null ? ['Take note.'] : []),
    ...tells.map(told),
    ...(asks === null ? [] : [asks.question]),
  ];
  return lines.join('\n');
}

/** The next request of a conversation. */
export function requestOf(talk: Talk, message: string): OpenAI.Responses.ResponseCreateParamsNonStreaming {
  const last = talk.turns.at(-1);
  return {
    model: MODEL,
    instructions: INSTRUCTIONS,
    input: message,
    max_output_tokens: OUTPUT_TOKENS,
    ...(talk.conversation !== null && { conversation: talk.conversation }),
    ...(talk.conversation === null && last !== undefined && { previous_response_id: last.response }),
  };
}

/** Says a line, waits for the answer. */
export async function speak(client: OpenAI, talk: Talk, line: Line): Promise<Turn> {
  const message = messageOf(line);
  const { data, response } = await client.responses.create(requestOf(talk, message)).withResponse();
  const placement = response.headers.get('perdure-placement') ?? '';
  const turn = { number: talk.turns.length + 1, line, message, response: data.id, placement };
  talk.turns.push(turn);
  return turn;
}

/** Whether an answer shows that it knows the fact. Models write as they like: letter case and dashes do not count. */
export function knows(answer: string, fact: FactName): boolean {
  return plain(answer).includes(plain(FACTS[fact].key));
}

const plain = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[\u2010-\u2015]/g, '-')
    .replaceAll(/\s+/g, ' ');

/** The turn in which a fact was told. */
export function toldIn(talk: Talk, fact: FactName): number | null {
  return talk.turns.find(turn => turn.line.tells.includes(fact))?.number ?? null;
}
