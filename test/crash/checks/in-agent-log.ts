/** What the drivers of agents' sessions hold in their hands, against the log. */
import type { LogEvent } from '../../../packages/server/src/log/events.ts';
import type { AgentLedger, AgentRecord } from '../load/agent-ledger.ts';
import type { Violations } from '../violations.ts';
import type { SessionTools } from './tool-laws.ts';

export interface Logged {
  readonly events: readonly LogEvent[];
  readonly tools: SessionTools;
}

/** @param ran sessions whose tools did anything */
export function checkAgents(
  agents: AgentLedger,
  logs: ReadonlyMap<string, Logged>,
  ran: ReadonlySet<string>,
  violations: Violations,
): void {
  for (const id of ran) if (!logs.has(id)) violations.add('L6', 'a tool ran for a session that is not there', id);
  const begun = new Set(agents.sessions.map(({ id }) => id));
  for (const [id, { events }] of logs)
    if (!begun.has(id) && ownerIn(events) === null)
      violations.add('L6', 'a session that nobody was told of, though all are asked for until they are', id);
  // Of sub-agents they are in logs of their own.
  const approvals = new Map([...logs.values()].flatMap(({ tools }) => [...tools.approvals]));
  for (const record of agents.sessions) {
    const log = logs.get(record.id);
    if (log === undefined)
      violations.add('L2', 'an acknowledged session is not in the log', `${record.client} ${record.id}`);
    else checkSession(record, log, approvals, violations);
  }
}

export function isErased(events: readonly LogEvent[]): boolean {
  return events.some(({ type }) => type === 'session.erased');
}

/** Whose sub-agent's session it is; null if it is none. */
export function ownerIn([first]: readonly LogEvent[]): string | null {
  return (first?.type === 'session.created' ? first.head.subagent?.owner : undefined) ?? null;
}

function checkSession(
  record: AgentRecord,
  { events }: Logged,
  approvals: SessionTools['approvals'],
  violations: Violations,
): void {
  const where = `${record.client} ${record.id}`;
  const erased = isErased(events);
  if (record.life === 'deleted' && !erased) violations.add('L2', 'a deleted session is not erased', where);
  if (record.life !== 'deleted' && erased) violations.add('L2', 'a session was erased that nobody deleted', where);
  for (const { approval, verdict, yes } of record.verdicts.values()) {
    const kept = approvals.get(approval);
    if (yes > 0 && kept !== verdict)
      violations.add(
        'L7',
        'an answer to an approval is lost',
        `${where} ${approval}: ${verdict}, the log says ${kept}`,
      );
  }
  if (erased) return;
  const said = saidIn(events);
  for (const { marker, acknowledged } of record.inputs) {
    const times = said.filter(text => text.includes(marker)).length;
    if (times > 1 || (acknowledged && times === 0))
      violations.add(
        'L2',
        'an input of a session is in the log more or less than once',
        `${where} ${marker}: ${times} times`,
      );
  }
}

/** What a session was told, a text each. What a turn ended without is in the input of a later one again: it is taken there. */
export function saidIn(events: readonly LogEvent[]): readonly string[] {
  const later = new Set(events.flatMap(event => (event.type === 'input.accepted' ? (event.head.queued ?? []) : [])));
  return events.flatMap(event =>
    event.type === 'input.accepted' || (event.type === 'input.queued' && !later.has(event.seq))
      ? [JSON.stringify(event.payload)]
      : [],
  );
}
