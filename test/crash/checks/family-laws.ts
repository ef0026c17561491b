/** The laws of sub-agents: the tree in their owner's log and their own logs say the same, and each call made one and told it one thing (M1, M2, L6). */
import type { SessionId } from '../../../packages/server/src/kernel/ids.ts';
import type { LogEvent } from '../../../packages/server/src/log/events.ts';
import { subagentSession } from '../../../packages/server/src/engine/subagents/ids.ts';
import { sha256 } from '../../../packages/server/src/main/digest.ts';
import type { Violations } from '../violations.ts';
import { isErased, type Logged, ownerIn, saidIn } from './in-agent-log.ts';
import type { ToolCounts } from './tool-laws.ts';

/** A call that asks for a sub-agent, by the session that it must make. */
interface Maker {
  /** Whose call it is; null: the owner's own agent. */
  readonly parent: string | null;
  starts: number;
  done: boolean;
}

interface Entry {
  readonly parent: string | null;
  /** What it was told first; null: erased. */
  readonly task: string | null;
  open: boolean;
}

/** @param sessions all that agents have, sub-agents' too */
export function checkFamilies(sessions: ReadonlyMap<string, Logged>, violations: Violations, counts: ToolCounts): void {
  const families = new Map<string, string[]>();
  for (const [id, log] of sessions) {
    const owner = ownerIn(log.events);
    if (owner === null) families.set(id, families.get(id) ?? []);
    else families.set(owner, [...(families.get(owner) ?? []), id]);
  }
  for (const [owner, members] of families) {
    const log = sessions.get(owner);
    if (log === undefined) violations.add('L2', 'sub-agents of a session that is not there', members.join(' '));
    else checkFamily(owner, log, new Map(members.map(id => [id, sessions.get(id) ?? log])), violations, counts);
  }
  for (const [id, { tools }] of sessions)
    if (tools.waitsFor.length > 0 && !tools.waitsFor.some(one => sessions.get(one)?.tools.waits === true))
      violations.add(
        'liveness',
        'a session waits for sub-agents that are at rest',
        `${id}: ${tools.waitsFor.join(' ')}`,
      );
}

function checkFamily(
  owner: string,
  { events }: Logged,
  members: ReadonlyMap<string, Logged>,
  violations: Violations,
  counts: ToolCounts,
): void {
  const tree = treeIn(owner, events, violations);
  counts.subagents += tree.size;
  const makers = new Map<string, Maker>();
  for (const [id, log] of [[owner, { events }] as const, ...members]) makersIn(owner, id, log.events, makers);
  const erased = isErased(events);
  for (const [id, member] of members) {
    const entry = tree.get(id);
    const [first] = member.events;
    const parent = first?.type === 'session.created' ? (first.head.subagent?.parent ?? null) : null;
    if (entry === undefined) violations.add('L2', 'a sub-agent is in no tree', `${owner} ${id}`);
    else if (entry.parent !== parent)
      violations.add('L2', 'a sub-agent has another parent than the tree says', `${owner} ${id}`);
    if (isErased(member.events) !== erased)
      violations.add('L2', 'a sub-agent and its owner are not erased together', `${owner} ${id}`);
    if (entry?.open === false && member.tools.waits)
      violations.add('L2', 'a sub-agent that was closed has a turn open', `${owner} ${id}`);
  }
  for (const [id, entry] of tree) {
    const maker = makers.get(id);
    if (maker === undefined || maker.starts === 0 || maker.parent !== entry.parent)
      violations.add('L6', 'a sub-agent that no call asked for', `${owner} ${id}`);
  }
  for (const [id, { done }] of makers) {
    const told = timesTold(tree.get(id)?.task ?? null, members.get(id)?.events ?? []);
    if (done && !members.has(id)) violations.add('L6', 'a call made a sub-agent that is not there', `${owner} ${id}`);
    else if (told !== null && (told > 1 || (done && told === 0)))
      violations.add('L6', 'a sub-agent was not told its task once', `${owner} ${id}: ${told} times`);
  }
}

function treeIn(owner: string, events: readonly LogEvent[], violations: Violations): ReadonlyMap<string, Entry> {
  const tree = new Map<string, Entry>();
  for (const event of events) {
    if (event.type === 'subagent.created') {
      const { session, parent } = event.head;
      if (tree.has(session)) violations.add('L6', 'a sub-agent was made twice', `${owner} at ${event.seq}: ${session}`);
      tree.set(session, { parent, task: event.payload?.instructions ?? null, open: true });
    }
    if (event.type !== 'subagent.closed') continue;
    for (const session of event.head.sessions) {
      const entry = tree.get(session);
      if (entry?.open !== true)
        violations.add('L2', 'a sub-agent was closed that was not open', `${owner} at ${event.seq}: ${session}`);
      else entry.open = false;
    }
  }
  return tree;
}

/** Ids follow from the call: so what it made is known, whatever the log says that it made. */
function makersIn(owner: string, id: string, events: readonly LogEvent[], makers: Map<string, Maker>): void {
  const byCall = new Map<string, Maker>();
  let response = '';
  for (const event of events) {
    if (event.type === 'turn.started') ({ response } = event.head);
    if (event.type === 'tool.requested' && event.head.tool === 'create_subagent') {
      const maker: Maker = { parent: id === owner ? null : id, starts: 0, done: false };
      const key = Buffer.from(sha256(JSON.stringify([id, response, event.head.callId]))).toString('hex');
      byCall.set(event.head.callId, maker);
      makers.set(subagentSession(owner as SessionId, key), maker);
    }
    if (event.type === 'tool.started') {
      const maker = byCall.get(event.head.callId);
      if (maker !== undefined) maker.starts += 1;
    }
    if (event.type !== 'tool.completed') continue;
    const maker = byCall.get(event.head.callId);
    if (maker !== undefined) maker.done = true;
  }
}

/** Null: its text was erased. */
function timesTold(task: string | null, events: readonly LogEvent[]): number | null {
  if (task === null || isErased(events)) return null;
  const text = JSON.stringify(task);
  return saidIn(events).filter(said => said.includes(text)).length;
}
