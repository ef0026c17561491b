/** The laws that the tools and approvals of one session must keep (L6, L7), by its log and by what its tools did outside of it. */
import { createHash } from 'node:crypto';
import { type JsonObject, type LogEvent, textOf } from '../../../packages/server/src/log/events.ts';
import type { Effect } from '../load/agent-effects.ts';
import type { Violations } from '../violations.ts';

interface Call {
  readonly tool: string;
  readonly idempotent: boolean;
  readonly client: boolean;
  /** SHA-256(salt, arguments). */
  readonly digest: string;
  readonly salt: string | null;
  /** Null: erased. */
  text: string | null;
  starts: number;
  /** Starts that people allowed though nobody knew what had become of the one before. */
  allowedAgain: number;
  state: 'requested' | 'started' | 'cut' | 'unknown' | 'suspended' | 'yielded' | 'ended';
  granted: string | null;
  /** The call of the program that makes it; null: the model does. */
  readonly program: string | null;
}

export interface ToolCounts {
  started: number;
  unknown: number;
  granted: number;
  effects: number;
  waiting: number;
  /** Programs, and calls that they made. */
  programs: number;
  programCalls: number;
  /** What a model said of calls, and how often it could not be asked. */
  permitted: number;
  refused: number;
  unasked: number;
  subagents: number;
}

export const newToolCounts = (): ToolCounts => ({
  started: 0,
  unknown: 0,
  granted: 0,
  effects: 0,
  waiting: 0,
  programs: 0,
  programCalls: 0,
  permitted: 0,
  refused: 0,
  unasked: 0,
  subagents: 0,
});

/** What the calls of one session came to. */
export interface SessionTools {
  readonly approvals: ReadonlyMap<string, 'open' | 'granted' | 'denied' | 'expired' | 'gone'>;
  /** Whether its turn waits for somebody at the end of the log. */
  readonly waits: boolean;
  /** Sub-agents that it waits for then, and for nobody else. */
  readonly waitsFor: readonly string[];
  /** By call: the arguments as they were written; null: erased. */
  readonly texts: ReadonlyMap<string, string | null>;
}

/** @param effects lines of this session */
export function checkTools(
  violations: Violations,
  session: string,
  events: readonly LogEvent[],
  effects: readonly Effect[],
  counts: ToolCounts,
): SessionTools {
  const calls = new Map<string, Call>();
  const open = new Map<string, string>();
  const approvals = new Map<string, 'open' | 'granted' | 'denied' | 'expired' | 'gone'>();
  const written = new Map<string, string>();
  let on: readonly string[] = [];
  let turn = false;
  for (const event of events) {
    const where = `${session} at ${event.seq}: ${event.type}`;
    const callOf = (id: string): Call | null => {
      const call = calls.get(id);
      if (call === undefined) violations.add('L6', 'a tool that nobody asked for', `${where} ${id}`);
      return call ?? null;
    };
    switch (event.type) {
      case 'call.completed':
        for (const item of event.payload?.items ?? [])
          if (item.type === 'function_call') written.set(textOf(item['call_id']), textOf(item['arguments']));
        break;
      case 'tool.requested': {
        const { callId, tool, idempotent, arguments: digest, origin } = event.head;
        const salt = event.payload?.salt ?? null;
        const program = event.head.caller?.program ?? null;
        const text = (program === null ? written.get(callId) : event.payload?.arguments) ?? null;
        const client = origin?.kind === 'client';
        calls.set(callId, {
          tool,
          idempotent,
          client,
          digest,
          salt,
          text,
          starts: 0,
          allowedAgain: 0,
          state: 'requested',
          granted: null,
          program,
        });
        if (salt !== null && text !== null && digestOf(salt, text) !== digest)
          violations.add('L7', 'the digest of a call is not that of its arguments', where);
        break;
      }
      case 'tool.started': {
        const call = callOf(event.head.callId);
        if (call === null) break;
        counts.started += 1;
        call.starts += 1;
        if (call.state === 'ended')
          violations.add('L6', 'a tool was started after its end', `${where} ${event.head.callId}`);
        if (call.starts > 1 && !call.idempotent && call.starts > 1 + call.allowedAgain)
          violations.add('L6', 'a tool that may not run twice was started twice', `${where} ${event.head.callId}`);
        if (event.head.approval !== call.granted)
          violations.add(
            'L7',
            'a tool was started with another approval than was given',
            `${where} ${event.head.approval}, not ${call.granted}`,
          );
        if (call.tool === 'transfer_sum' && call.granted === null && call.starts === 1)
          violations.add('L7', 'a tool that asks was started unasked', where);
        call.granted = null;
        call.state = 'started';
        break;
      }
      case 'session.claimed':
        for (const call of calls.values()) if (call.state === 'started' && !call.idempotent) call.state = 'cut';
        break;
      case 'tool.outcome_unknown': {
        const call = callOf(event.head.callId);
        counts.unknown += 1;
        if (call !== null) call.state = 'unknown';
        break;
      }
      // Both begin again: a program with the end of one of its calls, a wait when it is said so.
      case 'tool.suspended':
      case 'tool.yielded': {
        const call = callOf(event.head.callId);
        if (call !== null) call.state = event.type === 'tool.suspended' ? 'suspended' : 'yielded';
        if (event.type === 'tool.yielded') ({ on } = event.head);
        break;
      }
      case 'tool.resumed': {
        const call = callOf(event.head.callId);
        if (call !== null) call.state = 'requested';
        break;
      }
      case 'tool.completed':
      case 'tool.failed': {
        const call = callOf(event.head.callId);
        if (call === null) break;
        if (call.state === 'ended') violations.add('L6', 'a tool ended twice', `${where} ${event.head.callId}`);
        if (call.state === 'cut')
          violations.add(
            'L6',
            'a tool that was cut ended without anybody being asked',
            `${where} ${event.head.callId}`,
          );
        const said = event.type === 'tool.completed' ? call.state === 'unknown' && call.granted !== null : true;
        if (event.type === 'tool.completed' && !call.client && call.state === 'requested')
          violations.add('L6', 'a tool ended that was not started', `${where} ${event.head.callId}`);
        if (call.granted !== null && !said && !call.client)
          violations.add('L7', 'an approval was given and not used', `${where} ${call.granted}`);
        call.granted = null;
        call.state = 'ended';
        const program = call.program === null ? undefined : calls.get(call.program);
        if (program?.state === 'suspended') program.state = 'started';
        for (const [approval, of] of open) if (of === event.head.callId) open.delete(approval);
        break;
      }
      case 'approval.requested': {
        const { approval, callId, arguments: digest, why } = event.head;
        const call = callOf(callId);
        if (call !== null && call.digest !== digest)
          violations.add('L7', 'an approval binds other arguments', `${where} ${approval}`);
        if (approvals.has(approval)) violations.add('L7', 'an approval was asked for twice', `${where} ${approval}`);
        if (why === 'outcome_unknown' && call?.state !== 'unknown')
          violations.add('L6', 'people were asked about a tool of which all is known', where);
        approvals.set(approval, 'open');
        open.set(approval, callId);
        break;
      }
      case 'approval.granted':
      case 'approval.denied':
      case 'approval.expired': {
        const { approval } = event.head;
        const of = open.get(approval);
        if (of === undefined) {
          violations.add('L7', 'an approval was decided that was not open', `${where} ${approval}`);
          break;
        }
        open.delete(approval);
        const verdict = event.type.slice('approval.'.length) as 'granted' | 'denied' | 'expired';
        approvals.set(approval, verdict);
        const call = callOf(of);
        if (call === null || verdict !== 'granted') break;
        counts.granted += 1;
        call.granted = approval;
        if (call.state === 'unknown') call.allowedAgain += 1;
        break;
      }
      case 'turn.started':
        turn = true;
        break;
      case 'turn.completed':
        for (const [id, call] of calls) {
          if (call.state === 'ended') continue;
          violations.add('L6', 'a turn was completed over a tool that had not ended', `${where} ${id} ${call.state}`);
        }
        if (open.size > 0)
          violations.add('L7', 'a turn was completed over an open approval', `${where} ${[...open.keys()].join(' ')}`);
        turn = false;
        break;
      case 'turn.failed':
      case 'turn.cancelled':
        for (const call of calls.values()) {
          if (call.state !== 'ended') call.granted = null;
          call.state = 'ended';
        }
        for (const approval of open.keys()) approvals.set(approval, 'gone');
        open.clear();
        turn = false;
        break;
      default:
    }
  }
  checkEffects(violations, session, calls, effects, counts);
  const pending = [...calls.values()].filter(call => call.state !== 'ended');
  const others = open.size > 0 || pending.some(call => call.client);
  const yields = pending.some(call => call.state === 'yielded');
  const waits = turn && (others || yields);
  if (turn && !waits) violations.add('liveness', 'a turn neither ends nor waits', session);
  if (waits) counts.waiting += 1;
  for (const call of pending)
    if (call.state === 'cut' || call.state === 'started')
      violations.add('L6', 'a tool is left running', `${session} ${call.tool}`);
  const texts = new Map([...calls].map(([id, { text }]) => [id, text]));
  return { approvals, waits, waitsFor: waits && !others ? on : [], texts };
}

function digestOf(salt: string, text: string): string {
  return createHash('sha256').update(salt).update(text).digest('hex');
}

/** What was done is what was asked for, and no more often than the log says. */
function checkEffects(
  violations: Violations,
  session: string,
  calls: ReadonlyMap<string, Call>,
  effects: readonly Effect[],
  counts: ToolCounts,
): void {
  const byKey = new Map<string, Effect[]>();
  for (const effect of effects) byKey.set(effect.key, [...(byKey.get(effect.key) ?? []), effect]);
  const texts = new Map<string, Call>();
  for (const call of calls.values()) if (call.text !== null && !call.client) texts.set(call.text, call);
  for (const [key, all] of byKey) {
    counts.effects += all.length;
    const [first] = all;
    if (first === undefined) continue;
    const text = JSON.stringify({ ticket: first.ticket, text: first.text });
    if (
      all.some(
        one =>
          JSON.stringify([one.tool, one.ticket, one.text]) !== JSON.stringify([first.tool, first.ticket, first.text]),
      )
    )
      violations.add(
        'L7',
        'a tool ran with other arguments under one key',
        `${session} ${key}: ${JSON.stringify(all)}`,
      );
    const call = texts.get(text);
    // Its text was erased: what can be said is that its tool alone ran twice.
    if (call === undefined && [...calls.values()].every(one => one.text !== null || one.client))
      violations.add(
        'L7',
        'a tool ran with arguments that nobody asked for',
        `${session} ${key}: ${JSON.stringify(first)}`,
      );
    if (call === undefined) continue;
    if (call.tool !== first.tool)
      violations.add('L7', 'another tool ran', `${session} ${first.tool}, not ${call.tool}`);
    if (all.length > call.starts)
      violations.add(
        'L6',
        'a tool ran more often than it was started',
        `${session} ${call.tool} ${first.ticket}: ${all.length} > ${call.starts}`,
      );
    if (!call.idempotent && all.length > 1 + call.allowedAgain)
      violations.add(
        'L6',
        'a side effect that may not come twice came twice',
        `${session} ${call.tool} ${first.ticket}: ${all.length}`,
      );
  }
  const keys = new Map<string, string>();
  for (const { ticket, key } of effects) {
    const known = keys.get(ticket);
    if (known !== undefined && known !== key)
      violations.add('L6', 'one call ran under two keys', `${session} ${ticket}: ${known} ${key}`);
    keys.set(ticket, key);
  }
}

/** Lines of the file; a last one without its end never was. */
export function readEffects(text: string): ReadonlyMap<string, readonly Effect[]> {
  const bySession = new Map<string, Effect[]>();
  for (const line of text.split('\n').slice(0, -1)) {
    const effect = JSON.parse(line) as unknown as Effect & JsonObject;
    bySession.set(effect.session, [...(bySession.get(effect.session) ?? []), effect]);
  }
  return bySession;
}
