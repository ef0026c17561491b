/** The stored texts of events of calls that the model goes on without: part of the pins of `codec.test.ts`. */
import type { EventOf } from './events.ts';

type PinOf<T extends 'tool.postponed' | 'tool.answered'> = {
  readonly code: number;
  readonly event: EventOf<T>;
  readonly head: string;
  readonly short: readonly [head: EventOf<T>['head'], text: string];
};

const item = { type: 'message', id: 'msg_1' };

export const PENDING_PINS: { readonly [T in 'tool.postponed' | 'tool.answered']: PinOf<T> } = {
  'tool.postponed': {
    code: 38,
    event: {
      type: 'tool.postponed',
      head: { callId: 'call_a', tool: 'report', item: 'fc_1', count: 2, expiresAt: 9 },
      payload: { items: [item], arguments: '{}' },
    },
    head: '{"callId":"call_a","tool":"report","item":"fc_1","count":2,"expiresAt":9}',
    short: [
      { callId: 'call_a', tool: 'report', item: 'fc_1', count: 1, expiresAt: 9 },
      '{"callId":"call_a","tool":"report","item":"fc_1","expiresAt":9}',
    ],
  },
  'tool.answered': {
    code: 39,
    event: {
      type: 'tool.answered',
      head: { postponed: 7, callId: 'call_a', item: 'fc_1', code: 'client_failed' },
      payload: { items: [item] },
    },
    head: '{"postponed":7,"callId":"call_a","item":"fc_1","code":"client_failed"}',
    short: [
      { postponed: 7, callId: 'call_a', item: 'fc_1', code: null },
      '{"postponed":7,"callId":"call_a","item":"fc_1"}',
    ],
  },
};
