/** Pins of the codec, as far as they lie apart: see `codec.test.ts`. */
import type { EventOf, EventType } from './events.ts';

export interface Pin<T extends EventType> {
  readonly code: number;
  readonly event: EventOf<T>;
  readonly head: string;
  /** The same event where it says nothing unusual, if it has such a form. */
  readonly short?: readonly [head: EventOf<T>['head'], text: string];
}

const ENVIRONMENT = {
  environment: 'env_1',
  kind: 'openai_hosted',
  status: 'failed',
  resets: 1,
  reset: true,
  files: 2,
} as const;

type Ours = 'environment.changed' | 'environment.awaited' | 'tool.output';

export const ENVIRONMENT_PINS: { readonly [T in Ours]: Pin<T> } = {
  'environment.changed': {
    code: 41,
    event: { type: 'environment.changed', head: ENVIRONMENT, payload: { error: { code: 'setup_failed' } } },
    head: '{"environment":"env_1","kind":"openai_hosted","status":"failed","resets":1,"reset":true,"files":2}',
  },
  'environment.awaited': {
    code: 42,
    event: { type: 'environment.awaited', head: { environment: 'env_1', callIds: ['c'], expiresAt: 9 }, payload: null },
    head: '{"environment":"env_1","callIds":["c"],"expiresAt":9}',
  },
  'tool.output': {
    code: 43,
    event: { type: 'tool.output', head: { callId: 'call_a' }, payload: { text: 'so far' } },
    head: '{"callId":"call_a"}',
  },
};
