/** What the driver of an agent's session holds in its hands: what was acknowledged, what it was shown, whom it told yes. */
import type { Json } from './ledger.ts';

export interface AgentInput {
  /** A word that stands in it and nowhere else. */
  readonly marker: string;
  /** 202, or the session's creation was answered. */
  acknowledged: boolean;
}

export interface ShownEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** What was said to an approval, and what was heard. */
export interface Verdict {
  readonly approval: string;
  readonly session: string;
  readonly verdict: 'granted' | 'denied';
  /** Answers of 200. */
  yes: number;
  /** Tries of which no answer came. */
  unknown: number;
}

export interface AgentRecord {
  readonly client: string;
  readonly id: string;
  readonly inputs: AgentInput[];
  /** By its own word each: the arguments that the model was asked to call it with, as text. */
  readonly calls: Map<string, string>;
  readonly verdicts: Map<string, Verdict>;
  /** What its follower was shown, over all its connections. */
  readonly shown: ShownEvent[];
  readonly shownIds: Set<string>;
  /** `open` until its driver has done with it. */
  life: 'open' | 'kept' | 'deleting' | 'deleted';
}

export class AgentLedger {
  readonly sessions: AgentRecord[] = [];
  /** Turns begun, by what they were about. */
  readonly turns = new Map<string, number>();
  /** Tools of unknown outcome that people were asked about. */
  unknownOutcomes = 0;
  granted = 0;
  denied = 0;

  begin(client: string, id: string): AgentRecord {
    const record: AgentRecord = {
      client,
      id,
      inputs: [],
      calls: new Map(),
      verdicts: new Map(),
      shown: [],
      shownIds: new Set(),
      life: 'open',
    };
    this.sessions.push(record);
    return record;
  }

  count(kind: string): void {
    this.turns.set(kind, (this.turns.get(kind) ?? 0) + 1);
  }
}

/** An event without what it shows of the session as a whole, which is as it was when it was read. */
export function stableText({ data }: ShownEvent): string {
  const { session: _, ...rest } = JSON.parse(data) as Json;
  return JSON.stringify(rest);
}
