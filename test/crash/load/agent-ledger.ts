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
  /** What a reader names who goes on after it. */
  readonly cursor: string;
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
  /** Whether its agent may have sub-agents. */
  readonly family: boolean;
  /** Whether a model decides what people would be asked. */
  readonly reviewed: boolean;
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

  begin(of: Pick<AgentRecord, 'client' | 'id' | 'family' | 'reviewed'>): AgentRecord {
    const record: AgentRecord = {
      ...of,
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

/** The same of what a sub-agent does: whether the session is idle, at work or waiting is as it was when it was read, too. */
export function sessionText(event: ShownEvent): string {
  const { type, ...rest } = JSON.parse(stableText(event)) as Json;
  return JSON.stringify({ ...rest, type: STANDING.has(type) ? 'standing' : type });
}

const STANDING: ReadonlySet<unknown> = new Set([
  'agent.session.idle',
  'agent.session.in_progress',
  'agent.session.requires_action',
]);
