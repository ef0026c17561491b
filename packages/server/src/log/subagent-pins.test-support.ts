/** L12: how events of sub-agents are stored. */
import type { SessionId } from '../kernel/ids.ts';
import type { EventOf, EventType } from './events.ts';

export interface Pin<T extends EventType> {
  readonly code: number;
  readonly event: EventOf<T>;
  readonly head: string;
  /** The same event where it says nothing unusual, if it has such a form. */
  readonly short?: readonly [head: EventOf<T>['head'], text: string];
}

const sess = 'sess_1' as SessionId;

export const SUBAGENT_PINS: {
  readonly [T in Extract<EventType, `subagent.${string}` | 'tool.yielded' | 'tool.resumed'>]: Pin<T>;
} = {
  'tool.yielded': {
    code: 45,
    event: { type: 'tool.yielded', head: { callId: 'call_a', on: [sess], until: 5 }, payload: null },
    head: `{"callId":"call_a","on":["sess_1"],"until":5}`,
  },
  'tool.resumed': {
    code: 46,
    event: { type: 'tool.resumed', head: { callId: 'call_a' }, payload: null },
    head: '{"callId":"call_a"}',
  },
  'subagent.created': {
    code: 47,
    event: {
      type: 'subagent.created',
      head: { session: sess, parent: sess, previous: 4 },
      payload: { name: 'scout', instructions: 'Look.' },
    },
    head: `{"session":"sess_1","parent":"sess_1","previous":4}`,
    short: [{ session: sess, parent: null, previous: 0 }, `{"session":"sess_1"}`],
  },
  'subagent.closed': {
    code: 48,
    event: { type: 'subagent.closed', head: { sessions: [sess], previous: 4 }, payload: null },
    head: `{"sessions":["sess_1"],"previous":4}`,
  },
  'subagent.reopened': {
    code: 49,
    event: { type: 'subagent.reopened', head: { session: sess, previous: 4 }, payload: null },
    head: `{"session":"sess_1","previous":4}`,
  },
};
