import { describe, expect, test } from 'vitest';
import type { HomeId, ResponseId } from '../kernel/ids.ts';
import type { EventBody, SessionOrigin } from '../log/events.ts';
import { following } from './history.test-support.ts';
import { afterCrash, next } from './next.ts';
import { reduce, reduceAll } from './reduce.ts';
import { MAX_DOCUMENTS, type SessionState } from './state.ts';

const origin: SessionOrigin = {
  product: 'api',
  channel: 'direct',
  segment: 'commercial',
  stateHeld: true,
  readings: {},
};
const usage = { input: 1, cached: 0, output: 1, reasoning: 0 };
const upstream = { response: null, request: null };
const resp = (n: number): ResponseId => `resp_${n}` as ResponseId;

const created: EventBody = {
  type: 'session.created',
  head: {
    kind: 'responses',
    home: 'local' as HomeId,
    owner: 'proc_1',
    origin,
    lineage: [],
    labels: [],
    openCalls: [],
    continues: null,
  },
  payload: { metadata: {} },
};
const accepted = (n: number, answers: readonly string[] = []): EventBody => ({
  type: 'input.accepted',
  head: { response: resp(n), previous: null, count: 2, answers },
  payload: { items: [] },
});
const started = (n: number, seq = 0): EventBody => ({
  type: 'turn.started',
  head: {
    response: resp(n),
    model: 'gpt',
    background: false,
    streamed: true,
    tools: seq === 0 ? null : { session: 'sess_1' as never, seq, index: 0 },
    instructions: null,
  },
  payload: { settings: {}, documents: [] },
});
const placed = (call: number, chosen: string | null = 'azure-1'): EventBody => ({
  type: 'call.placed',
  head: { call, purpose: 'turn', chosen, placement: {}, reserved: { input: 1, output: 2 } },
  payload: null,
});
const completed = (call: number, calls: readonly string[] = []): EventBody => ({
  type: 'call.completed',
  head: { call, outcome: 'completed', reason: null, usage, upstream, count: 1, calls },
  payload: null,
});
const failed = (call: number): EventBody => ({
  type: 'call.failed',
  head: { call, code: 'upstream_error', usage, metered: 'bound', count: 1, upstream },
  payload: null,
});
const finished = (n: number): EventBody => ({
  type: 'turn.completed',
  head: { response: resp(n), status: 'completed', reason: null },
  payload: null,
});
const requested = (callId: string, idempotent: boolean): EventBody => ({
  type: 'tool.requested',
  head: { callId, tool: 'shell', idempotent, arguments: 'd' },
  payload: null,
});
const toolStarted = (callId: string, approval: string | null = null): EventBody => ({
  type: 'tool.started',
  head: { callId, approval },
  payload: null,
});
const asked = (approval: string, callId: string): EventBody => ({
  type: 'approval.requested',
  head: { approval, callId, arguments: 'd', policy: 'v1', expiresAt: 9 },
  payload: null,
});
const granted = (approval: string): EventBody => ({ type: 'approval.granted', head: { approval }, payload: null });

function run(...bodies: readonly EventBody[]): SessionState {
  let state: SessionState | null = null;
  for (const body of bodies) {
    const reduced = reduce(state, following(state, body));
    if (!reduced.ok) throw new Error(`${body.type}: ${reduced.code} ${reduced.message}`);
    state = reduced.state;
  }
  if (state === null) throw new Error('no events');
  return state;
}

function refusal(state: SessionState, body: EventBody): string | null {
  const reduced = reduce(state, following(state, body));
  return reduced.ok ? null : reduced.code;
}

const TURN = [created, accepted(1), started(1)];
const CALLED = [...TURN, placed(1), completed(1, ['call_a', 'call_b'])];

describe('a turn', () => {
  test('adds the positions of its input and its output, and becomes the head', () => {
    const state = run(...TURN, placed(1), completed(1), finished(1));
    expect(state).toMatchObject({ phase: 'idle', position: 3, head: 'resp_1', turn: null });
    expect(state.use).toMatchObject({ turns: 1, itemsRead: 0 });
  });

  test('counts the files that its input, its tools, its steering and its end tell of, and keeps them if it fails', () => {
    const files = (...events: readonly EventBody[]): number => run(...events).use.filesTouched;
    const input = { ...accepted(1), head: { ...accepted(1).head, files: 2 } } as EventBody;
    const added: EventBody = {
      type: 'items.added',
      head: { base: 'b', count: 1, calls: [], answers: [], files: 1 },
      payload: { items: [] },
    };
    expect(files(created)).toBe(0);
    expect(files(...TURN, placed(1), completed(1), finished(1))).toBe(0);
    expect(files(created, input)).toBe(2);
    expect(files(created, added, input, started(1))).toBe(3);
    const end = { ...finished(1), head: { ...finished(1).head, files: 4 } } as EventBody;
    expect(files(created, input, started(1), placed(1), completed(1), end)).toBe(6);
    const fail: EventBody = { type: 'turn.failed', head: { response: resp(1), code: 'x' }, payload: { message: '' } };
    expect(files(created, input, started(1), placed(1), failed(1), fail)).toBe(2);
    const tool: EventBody = {
      type: 'tool.completed',
      head: { callId: 'call_a', count: 1, files: 1 },
      payload: { items: [] },
    };
    const asked = [created, input, started(1), placed(1), completed(1, ['call_a']), requested('call_a', true)];
    expect(files(...asked, toolStarted('call_a'), tool)).toBe(3);
  });

  test('S3: that fails gives its positions and its answers back, and is not the head', () => {
    const first = [...CALLED, finished(1)];
    const before = run(...first);
    const fail: EventBody = { type: 'turn.failed', head: { response: resp(2), code: 'x' }, payload: { message: '' } };
    const after = run(...first, accepted(2, ['call_a', 'call_b']), started(2), placed(1), failed(1), fail);
    expect(after).toMatchObject({
      position: before.position,
      openCalls: ['call_a', 'call_b'],
      head: 'resp_1',
      phase: 'idle',
    });
  });

  test('what a cut call had shown takes no position', () => {
    expect(run(...TURN, placed(1), failed(1)).position).toBe(2);
    expect(next(run(...TURN, placed(1), failed(1)))).toEqual({ type: 'call', call: 2 });
  });

  test('counts failures in a row: a call that succeeds ends the row', () => {
    expect(run(...TURN, placed(1), failed(1), placed(2), failed(2)).turn?.failures).toBe(2);
    expect(run(...TURN, placed(1), failed(1), placed(2), completed(2)).turn?.failures).toBe(0);
  });

  test('does not finish before a call of it was completed', () => {
    expect(refusal(run(...TURN, placed(1), failed(1)), finished(1))).toBe('event_mismatch');
    expect(refusal(run(...TURN, placed(1, null)), finished(1))).toBe('event_mismatch');
  });

  test('takes the events of its own response and its own call only', () => {
    expect(refusal(run(...TURN, placed(1), completed(1)), finished(2))).toBe('event_mismatch');
    expect(refusal(run(...TURN, placed(1)), completed(2))).toBe('event_mismatch');
    expect(refusal(run(...TURN), placed(2))).toBe('event_mismatch');
    expect(refusal(run(created, accepted(1)), started(2))).toBe('event_mismatch');
    expect(refusal(run(created), started(1))).toBe('event_mismatch');
    expect(refusal(run(created, accepted(1)), accepted(2))).toBe('event_mismatch');
  });

  test('L2: nothing comes between an input and its turn that a failure of the turn would take back', () => {
    const waiting = run(created, accepted(1));
    const items: EventBody = {
      type: 'items.added',
      head: { base: 'b', count: 1, calls: [], answers: [] },
      payload: { items: [] },
    };
    expect(refusal(waiting, items)).toBe('event_mismatch');
    expect(refusal(waiting, { type: 'session.sealed', head: { reason: 'move' }, payload: null })).toBe(
      'event_mismatch',
    );
    expect(refusal(waiting, { type: 'session.claimed', head: { owner: 'proc_2' }, payload: null })).toBeNull();
  });
});

describe('L6: a tool', () => {
  const startedOnce = (idempotent: boolean): SessionState =>
    run(...CALLED, requested('call_a', idempotent), toolStarted('call_a'));

  test('that is not idempotent is started once, whoever asks; an idempotent one may run again', () => {
    expect(refusal(startedOnce(false), toolStarted('call_a'))).toBe('event_mismatch');
    expect(refusal(startedOnce(true), toolStarted('call_a'))).toBeNull();
    expect([afterCrash({ idempotent: false }), afterCrash({ idempotent: true })]).toEqual([
      'outcome_unknown',
      'run_again',
    ]);
  });

  test('whose outcome is unknown stops the turn and asks', () => {
    const unknown: EventBody = { type: 'tool.outcome_unknown', head: { callId: 'call_a' }, payload: null };
    const state = run(...CALLED, requested('call_a', false), toolStarted('call_a'), unknown);
    expect(state.phase).toBe('waiting');
    expect(next(state)).toEqual({ type: 'none' });
    expect(refusal(state, toolStarted('call_a'))).toBe('event_mismatch');
  });

  test('is known before it runs, and runs before it is done', () => {
    const done: EventBody = { type: 'tool.completed', head: { callId: 'call_a', count: 1 }, payload: { items: [] } };
    expect(refusal(run(...CALLED), toolStarted('call_a'))).toBe('event_mismatch');
    expect(refusal(run(...CALLED, requested('call_a', true)), done)).toBe('event_mismatch');
    expect(refusal(run(...CALLED), requested('call_x', true))).toBe('event_mismatch');
    expect(refusal(run(...CALLED, requested('call_a', true)), requested('call_a', true))).toBe('event_mismatch');
  });

  test('that is open keeps the model waiting: no call is placed and no turn ends before its output', () => {
    const state = run(...CALLED, requested('call_a', true));
    expect(next(state)).toEqual({ type: 'run_tools', callIds: ['call_a'] });
    expect(refusal(state, placed(2))).toBe('event_mismatch');
    expect(refusal(state, finished(1))).toBe('event_mismatch');
    expect(next(startedOnce(true))).toEqual({ type: 'await_tools', callIds: ['call_a'] });
  });

  test('that is done answers its call, and the model is called again', () => {
    const done: EventBody = { type: 'tool.completed', head: { callId: 'call_a', count: 1 }, payload: { items: [] } };
    const state = run(...CALLED, requested('call_a', true), toolStarted('call_a'), done);
    expect(state.openCalls).toEqual(['call_b']);
    expect(next(state)).toEqual({ type: 'call', call: 2 });
  });
});

describe('L7: an approval', () => {
  const ASKED = [...CALLED, requested('call_a', false), asked('appr_1', 'call_a')];

  test('is waited for: nothing comes next, and the tool does not start without it', () => {
    const state = run(...ASKED);
    expect(state.phase).toBe('waiting');
    expect(next(state)).toEqual({ type: 'none' });
    expect(refusal(state, toolStarted('call_a'))).toBe('event_mismatch');
    expect(refusal(state, toolStarted('call_a', 'appr_1'))).toBe('event_mismatch');
  });

  test('is given once, and consumed by the start that names it', () => {
    const state = run(...ASKED, granted('appr_1'));
    expect(next(state)).toEqual({ type: 'run_tools', callIds: ['call_a'] });
    expect(refusal(state, granted('appr_1'))).not.toBeNull();
    expect(refusal(state, toolStarted('call_a'))).toBe('event_mismatch');
    expect(refusal(state, toolStarted('call_a', 'appr_2'))).toBe('event_mismatch');
    expect(refusal(state, toolStarted('call_a', 'appr_1'))).toBeNull();
  });

  test('binds the exact arguments', () => {
    const other = {
      ...asked('appr_1', 'call_a'),
      head: { ...asked('appr_1', 'call_a').head, arguments: 'other' },
    } as EventBody;
    expect(refusal(run(...CALLED, requested('call_a', false)), other)).toBe('event_mismatch');
  });

  test('lets a tool of unknown outcome run again, once', () => {
    const unknown: EventBody = { type: 'tool.outcome_unknown', head: { callId: 'call_a' }, payload: null };
    const stopped = [...CALLED, requested('call_a', false), toolStarted('call_a'), unknown];
    const state = run(...stopped, asked('appr_1', 'call_a'), granted('appr_1'));
    expect(next(state)).toEqual({ type: 'run_tools', callIds: ['call_a'] });
    expect(refusal(state, toolStarted('call_a'))).toBe('event_mismatch');
    const again = run(...stopped, asked('appr_1', 'call_a'), granted('appr_1'), toolStarted('call_a', 'appr_1'));
    expect(refusal(again, toolStarted('call_a', 'appr_1'))).toBe('event_mismatch');
    expect(refusal(again, toolStarted('call_a'))).toBe('event_mismatch');
  });

  test('does not serve another call', () => {
    const state = run(...ASKED, granted('appr_1'), requested('call_b', false));
    expect(refusal(state, toolStarted('call_b', 'appr_1'))).toBe('event_mismatch');
  });

  test.each(['approval.denied', 'approval.expired'] as const)('that was %s starts nothing', type => {
    const closed = { type, head: { approval: 'appr_1' }, payload: null } as EventBody;
    const state = run(...ASKED, closed);
    expect(refusal(state, toolStarted('call_a'))).toBe('event_mismatch');
    expect(refusal(state, toolStarted('call_a', 'appr_1'))).toBe('event_mismatch');
    expect(refusal(state, granted('appr_1'))).not.toBeNull();
    const told: EventBody = {
      type: 'tool.failed',
      head: { callId: 'call_a', code: 'denied', count: 1 },
      payload: { items: [] },
    };
    expect(refusal(state, told)).toBeNull();
  });

  test('of a tool that nobody asked for, or asked for twice, is none', () => {
    expect(refusal(run(...CALLED), asked('appr_1', 'call_a'))).toBe('event_mismatch');
    expect(refusal(run(...ASKED), asked('appr_2', 'call_a'))).toBe('event_mismatch');
    expect(refusal(run(...ASKED, requested('call_b', false)), asked('appr_1', 'call_b'))).toBe('event_mismatch');
  });
});

describe('a log', () => {
  test('begins with epoch 1 and seq 1, and every claim raises the epoch by one', () => {
    expect(reduce(null, { ...following(null, created), epoch: 2 })).toMatchObject({ code: 'stale_epoch' });
    expect(reduce(null, { ...following(null, created), seq: 2 })).toMatchObject({ code: 'sequence_gap' });
    expect(reduceAll(null, [])).toMatchObject({ ok: false });
    const claim: EventBody = { type: 'session.claimed', head: { owner: 'proc_2' }, payload: null };
    expect(run(created, claim, claim)).toMatchObject({ epoch: 3, owner: 'proc_2' });
  });

  test('remembers the places of its last texts, and no more', () => {
    const turn = (n: number): EventBody[] => [accepted(n), started(n, n), placed(1), completed(1), finished(n)];
    const turns = (n: number): EventBody[] => Array.from({ length: n }, (_, i) => turn(i + 1)).flat();
    expect(run(created, ...turns(MAX_DOCUMENTS)).documents).toHaveLength(MAX_DOCUMENTS);
    const more = run(created, ...turns(MAX_DOCUMENTS + 1)).documents;
    expect(more).toHaveLength(MAX_DOCUMENTS);
    expect(more.at(-1)?.seq).toBe(MAX_DOCUMENTS + 1);
    // What is used again is not forgotten first.
    const again = run(created, ...turns(MAX_DOCUMENTS), accepted(1), started(1, 1)).documents;
    expect(again.at(-1)?.seq).toBe(1);
    expect(again).toHaveLength(MAX_DOCUMENTS);
  });

  test('L13: forgets the places of texts that were erased', () => {
    const erase: EventBody = { type: 'session.erased', head: { after: 1, whole: false }, payload: null };
    const state = run(created, accepted(1), started(1, 3), placed(1), completed(1), finished(1), erase);
    expect(state.documents).toEqual([]);
    expect(state.erasedAfter).toBe(1);
  });

  test('erases nothing that comes after it', () => {
    const ended = run(created, accepted(1), started(1), placed(1), completed(1), finished(1));
    const erase = (before: number): EventBody => ({
      type: 'session.erased',
      head: { after: 1, whole: false, before },
      payload: null,
    });
    expect(refusal(ended, erase(ended.seq + 1))).toBeNull();
    expect(refusal(ended, erase(ended.seq + 2))).toBe('event_mismatch');
  });
});
