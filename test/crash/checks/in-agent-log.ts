/** What the drivers of agents' sessions hold in their hands, against the log. */
import type { LogEvent } from '../../../packages/server/src/log/events.ts';
import type { AgentLedger, AgentRecord } from '../load/agent-ledger.ts';
import type { Violations } from '../violations.ts';
import type { SessionTools } from './tool-laws.ts';

interface Logged {
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
  for (const record of agents.sessions) {
    const log = logs.get(record.id);
    if (log === undefined)
      violations.add('L2', 'an acknowledged session is not in the log', `${record.client} ${record.id}`);
    else checkSession(record, log, violations);
  }
}

function checkSession(record: AgentRecord, { events, tools }: Logged, violations: Violations): void {
  const where = `${record.client} ${record.id}`;
  const erased = events.some(event => event.type === 'session.erased');
  if (record.life === 'deleted' && !erased) violations.add('L2', 'a deleted session is not erased', where);
  if (record.life !== 'deleted' && erased) violations.add('L2', 'a session was erased that nobody deleted', where);
  for (const { approval, verdict, yes } of record.verdicts.values()) {
    const kept = tools.approvals.get(approval);
    if (yes > 0 && kept !== verdict)
      violations.add(
        'L7',
        'an answer to an approval is lost',
        `${where} ${approval}: ${verdict}, the log says ${kept}`,
      );
  }
  if (erased) return;
  const said = events.flatMap(event =>
    event.type === 'input.accepted' || event.type === 'input.queued' ? [JSON.stringify(event.payload)] : [],
  );
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
