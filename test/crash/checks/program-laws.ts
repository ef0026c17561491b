/** The laws that programs and their calls must keep (J1 to J3, L6), by the log of one session. */
import type { LogEvent } from '../../../packages/server/src/log/events.ts';
import { PROGRAM_TOOL } from '../../../packages/server/src/tool/program.ts';
import type { Violations } from '../violations.ts';
import type { ToolCounts } from './tool-laws.ts';

interface Program {
  /** Calls that it made. */
  made: number;
  readonly open: Set<string>;
  ended: boolean;
}

export function checkPrograms(
  violations: Violations,
  session: string,
  events: readonly LogEvent[],
  counts: ToolCounts,
): void {
  const programs = new Map<string, Program>();
  const asked = new Set<string>();
  for (const event of events) {
    const where = `${session} at ${event.seq}: ${event.type}`;
    switch (event.type) {
      case 'tool.requested': {
        const { callId, caller, tool } = event.head;
        if (asked.has(callId)) violations.add('L6', 'a tool was asked for twice', `${where} ${callId}`);
        asked.add(callId);
        if (caller === undefined) {
          if (tool !== PROGRAM_TOOL) break;
          programs.set(callId, { made: 0, open: new Set(), ended: false });
          counts.programs += 1;
          break;
        }
        const program = programs.get(caller.program);
        if (program === undefined || program.ended)
          violations.add('L6', 'a call of a program that does not run', `${where} ${callId}`);
        // Run again it makes the same calls: none of them is a new one.
        else if (caller.index !== program.made)
          violations.add(
            'L6',
            'a program made a call again, or left one out',
            `${where} ${callId}: ${caller.index} after ${program.made}`,
          );
        if (program === undefined) break;
        program.made = caller.index + 1;
        program.open.add(callId);
        counts.programCalls += 1;
        break;
      }
      case 'tool.completed':
      case 'tool.failed': {
        const { callId } = event.head;
        for (const { open } of programs.values()) open.delete(callId);
        const program = programs.get(callId);
        if (program === undefined) break;
        if (program.open.size > 0)
          violations.add('L6', 'a program ended before its calls', `${where} ${[...program.open].join(' ')}`);
        if (event.type === 'tool.failed' && event.head.code === 'program_diverged')
          violations.add('L6', 'a program that is a function of its calls did something else', where);
        program.ended = true;
        break;
      }
      case 'turn.completed':
      case 'turn.failed':
      case 'turn.cancelled':
        for (const program of programs.values()) program.ended = true;
        break;
      default:
    }
  }
}
