/**
 * What a client holds in its hands: what it sent, and every byte with which the server acknowledged anything. Kept by the harness's own
 * process, so no crash of the server touches it; the checks hold the server to it.
 */
import { AgentLedger } from './agent-ledger.ts';
import { FrameText } from './frames.ts';

export type Json = { readonly [name: string]: unknown };

export interface TurnRecord {
  /** Of the client, for messages. */
  readonly client: string;
  /** A word that stands in its input and nowhere else. */
  readonly marker: string;
  /** The request's body as sent, every time. */
  readonly body: string;
  readonly stream: boolean;
  readonly key: string | null;
  /** Texts of the input items, in order. */
  readonly input: readonly string[];
  /** Function calls that the prompt asks for. */
  readonly asksForCall: boolean;
  /** The bytes of its stream so far. */
  frames: FrameText;
  /** Bytes that earlier tries of the same key were sent. */
  readonly earlier: string[];
  /** Acknowledged: the id of the response. */
  id: string | null;
  /** The whole response as first seen at its end; unchanged from then on. */
  resource: Json | null;
  /** Whether the client itself saw the end, and did not read it later. */
  sawEnd: boolean;
  /** A digest of the regenerated stream as first read. */
  replay: string | null;
  /** In flight: sent, and neither ended nor given up. */
  open: boolean;
}

export interface StatelessRecord {
  readonly client: string;
  /** The placement that the answer's head named; null if no byte came. */
  placement: string | null;
  bytes: number;
}

export interface ConversationRecord {
  readonly client: string;
  readonly id: string;
  readonly turns: TurnRecord[];
}

export class Ledger {
  readonly turns: TurnRecord[] = [];
  readonly agents: AgentLedger = new AgentLedger();
  readonly stateless: StatelessRecord[] = [];
  readonly conversations: ConversationRecord[] = [];
  /** Acknowledged or ended since they were last looked at: what the next check reads first. */
  readonly unchecked = new Set<TurnRecord>();
  /** Reasons of failed turns, by code. */
  readonly failures = new Map<string, number>();
  /** Times that a chain was asked for its first fact and gave it. */
  recalled = 0;

  turn(given: Pick<TurnRecord, 'client' | 'marker' | 'body' | 'stream' | 'key' | 'input' | 'asksForCall'>): TurnRecord {
    const record: TurnRecord = {
      ...given,
      frames: new FrameText(),
      earlier: [],
      id: null,
      resource: null,
      sawEnd: false,
      replay: null,
      open: true,
    };
    this.turns.push(record);
    return record;
  }

  call(client: string): StatelessRecord {
    const record: StatelessRecord = { client, placement: null, bytes: 0 };
    this.stateless.push(record);
    return record;
  }

  acknowledged(record: TurnRecord, id: string): void {
    record.id = id;
    this.unchecked.add(record);
  }

  get inFlight(): number {
    let count = 0;
    for (const turn of this.turns) if (turn.open) count += 1;
    return count;
  }
}

export function isFinal(resource: Json): boolean {
  return resource['status'] !== 'in_progress' && resource['status'] !== 'queued';
}

export function outputOf(resource: Json): readonly Json[] {
  return Array.isArray(resource['output']) ? (resource['output'] as Json[]) : [];
}

/** The text of all messages that a response's output holds. */
export function textOf(resource: Json): string {
  const parts = outputOf(resource).flatMap(item => (Array.isArray(item['content']) ? (item['content'] as Json[]) : []));
  return parts.map(part => (typeof part['text'] === 'string' ? part['text'] : '')).join('\n');
}
