import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BARE_EVENTS, place } from '../log/event.test-support.ts';
import type { EnvelopeOf, EventBody } from '../log/events.ts';
import { anyHistory, bend, following, history } from './history.test-support.ts';
import { next } from './next.ts';
import { project } from './project.ts';
import { reduce, reduceAll } from './reduce.ts';
import { MAX_AWAITS, MAX_DOCUMENTS, MAX_QUEUED_INPUTS, prefixEnd, type SessionState, statusOf } from './state.ts';

const stateOf = anyHistory.map(({ states }) => states.at(-1) ?? null);
const eventBody = fc.oneof(...(Object.values(BARE_EVENTS) as fc.Arbitrary<EventBody>[]));
const RUNS = { numRuns: 60 };

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const one of Object.values(value)) frozen(one);
  }
  return value;
}

test('histories reach every kind of event often enough to mean something', () => {
  const samples = fc.sample(history, { numRuns: 300, seed: 1 });
  const count = new Map<string, number>();
  for (const { events } of samples) for (const { type } of events) count.set(type, (count.get(type) ?? 0) + 1);
  const mean = samples.reduce((sum, one) => sum + one.events.length, 0) / samples.length;
  expect(mean).toBeGreaterThan(15);
  for (const type of [
    'turn.completed',
    'turn.failed',
    'call.failed',
    'tool.completed',
    'approval.granted',
    'item.deleted',
  ])
    expect([type, (count.get(type) ?? 0) >= 20]).toEqual([type, true]);
});

test('any event in any state is answered, never thrown at, and changes nothing that was', () => {
  fc.assert(
    fc.property(fc.option(stateOf), place, eventBody, fc.nat(3), (state, at, body, how) => {
      frozen(state);
      const mine = following(state, how === 0 ? body : bend(state, body));
      // Now lawful, now out of order, now of another epoch, now wholly at random.
      const event = how === 2 ? { ...mine, ...at } : how === 3 ? { ...mine, epoch: at.epoch } : mine;
      const before = JSON.stringify(state);
      const reduced = reduce(state, event);
      expect(JSON.stringify(state)).toBe(before);
      if (reduced.ok) expect(reduced.state.seq).toBe((state?.seq ?? 0) + 1);
      else expect(reduced.message).not.toBe('');
    }),
    { numRuns: 600 },
  );
});

test('L3: an event out of its place is refused: another seq, or another epoch than its writer may have', () => {
  fc.assert(
    fc.property(
      history,
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -3, max: 3 }),
      ({ events, states }, seq, epoch) => {
        const last = events.at(-1);
        if (last === undefined) return;
        const before = states.at(-2) ?? null;
        const reduced = reduce(before, { ...last, seq: last.seq + seq, epoch: last.epoch + epoch });
        expect(reduced.ok).toBe(seq === 0 && epoch === 0);
        if (!reduced.ok) expect(reduced.code).toBe(seq === 0 ? 'stale_epoch' : 'sequence_gap');
      },
    ),
    RUNS,
  );
});

test('L1: folded at once, event by event, or from a snapshot anywhere: the same state', () => {
  fc.assert(
    fc.property(anyHistory, fc.nat(), ({ events, states }, cut) => {
      const whole = reduceAll(null, events);
      expect(whole).toEqual({ ok: true, state: states.at(-1) });
      const at = cut % events.length;
      const snapshot = JSON.parse(JSON.stringify(states[at])) as SessionState;
      expect(reduceAll(snapshot, events.slice(at + 1))).toEqual(whole);
    }),
    RUNS,
  );
});

test('S1, L13: erased payloads change no state and no projection', () => {
  fc.assert(
    fc.property(anyHistory, fc.func(fc.boolean()), ({ events, states }, isErased) => {
      const erased = events.map(event => (isErased(event.seq) ? { ...event, payload: null } : event));
      expect(reduceAll(null, erased)).toEqual({ ok: true, state: states.at(-1) });
      for (const [i, event] of erased.entries()) {
        const before = states[i - 1] ?? null;
        const whole = events[i];
        expect(whole && project(before, event)).toEqual(whole && project(before, whole));
      }
    }),
    RUNS,
  );
});

test('S3: the position is that of the prefix and the living runs, after every event; a failed turn gives back what it took', () => {
  fc.assert(
    fc.property(history, ({ events, states }) => {
      let runs: { position: number; count: number }[] = [];
      for (const [i, event] of events.entries()) {
        const state = states[i];
        const before = states[i - 1] ?? null;
        if (state === undefined) throw new Error('no state');
        for (const change of project(before, event)) {
          if (change.type === 'run_added') runs.push(change);
          if (change.type === 'runs_dropped') runs = runs.filter(run => run.position <= change.position);
        }
        const held = runs.reduce((sum, run) => sum + run.count, 0);
        expect(state.position).toBe(prefixEnd(state.lineage) + held);
        // Runs touch one another: every position is in exactly one.
        let from = prefixEnd(state.lineage) + 1;
        for (const run of runs) {
          expect(run.position).toBe(from);
          from += run.count;
        }
        if ((event.type === 'turn.failed' || event.type === 'turn.cancelled') && before?.turn != null) {
          expect(state.position).toBe(before.turn.from);
          expect(state.openCalls).toEqual(before.turn.openCallsBefore);
          expect(state.head).toBe(before.head);
        }
      }
    }),
    RUNS,
  );
});

test('the phase says what is open: a call, a tool, an approval, a turn', () => {
  fc.assert(
    fc.property(anyHistory, ({ states }) => {
      for (const { phase, turn, kind, openCalls, accepted, position, seq, epoch } of states) {
        expect(turn?.call != null).toBe(phase === 'calling' || phase === 'stateless_calling');
        if (kind !== 'stateless') {
          expect(turn !== null).toBe(['turn_open', 'calling', 'called', 'waiting'].includes(phase));
          const asked = turn?.approvals.map(({ callId }) => callId) ?? [];
          const stopped = turn?.tools.some(
            ({ status, granted, client, parked }) =>
              client === true ||
              parked === true ||
              status === 'refused' ||
              status === 'yielded' ||
              (status === 'outcome_unknown' && granted === null),
          );
          const goesOn = turn?.tools.some(
            ({ callId, status, granted, client, async, parked }) =>
              status === 'started' ||
              ((client !== true || async === true) &&
                parked !== true &&
                !asked.includes(callId) &&
                (status === 'requested' || (status === 'outcome_unknown' && granted !== null))),
          );
          if (turn !== null && phase !== 'calling')
            expect(phase === 'waiting').toBe(goesOn !== true && (asked.length > 0 || stopped === true));
          expect(statusOf(phase) === 'requires_action').toBe(phase === 'waiting');
          expect(turn?.awaits !== undefined).toBe(turn?.tools.some(({ parked }) => parked === true) ?? false);
          expect(turn?.awaited ?? 0).toBeLessThanOrEqual(MAX_AWAITS);
        }
        expect(new Set(openCalls).size).toBe(openCalls.length);
        // A call of a program is none of the model's, and its program is there as long as it is.
        for (const { callId, caller } of turn?.tools ?? [])
          if (caller === undefined) expect(openCalls).toContain(callId);
          else expect(turn?.tools.map(tool => tool.callId)).toContain(caller.program);
        expect(turn === null || turn.from <= position).toBe(true);
        expect(turn === null || accepted === null).toBe(true);
        expect(seq >= 1 && epoch >= 1).toBe(true);
      }
    }),
    RUNS,
  );
});

test('L8: labels only grow', () => {
  fc.assert(
    fc.property(history, ({ states }) => {
      for (const [i, { labels }] of states.entries()) {
        for (const label of states[i - 1]?.labels ?? []) expect(labels).toContain(label);
        expect(new Set(labels).size).toBe(labels.length);
      }
    }),
    RUNS,
  );
});

test('S2, L11: the state does not grow with the history', () => {
  fc.assert(
    fc.property(history, ({ events, states }) => {
      // The same again and again, as a client would that answers every call and ends every turn.
      const idle = states.findLast(({ phase, openCalls }) => phase === 'idle' && openCalls.length === 0);
      if (idle === undefined) return;
      const loop = events
        .slice(0, idle.seq)
        .filter(({ type }) => type !== 'session.created' && type !== 'session.sealed');
      const sizes: number[] = [];
      let state = idle;
      for (let round = 0; round < 30; round++) {
        for (const body of loop) {
          const reduced = reduce(state, following(state, bend(state, body as EventBody)));
          if (reduced.ok && reduced.state.phase !== 'sealed' && reduced.state.phase !== 'ended') state = reduced.state;
        }
        state = { ...state, openCalls: [] };
        sizes.push(JSON.stringify(state).length);
      }
      const digits = 200;
      expect(Math.max(...sizes.slice(10))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 10)) + digits);
      expect(state.documents.length).toBeLessThanOrEqual(MAX_DOCUMENTS);
    }),
    { numRuns: 60 },
  );
});

test('what comes next is one thing, and the reducer takes the event that begins it', () => {
  fc.assert(
    fc.property(anyHistory, ({ states }) => {
      for (const state of states) {
        const effect = next(state);
        const takes = (body: Parameters<typeof following>[1]): boolean => reduce(state, following(state, body)).ok;
        const response = state.turn?.response;
        switch (effect.type) {
          case 'call': {
            const head = {
              call: effect.call,
              purpose: 'turn',
              chosen: 'x',
              placement: {},
              reserved: { input: 0, output: 0 },
            };
            expect(takes({ type: 'call.placed', head, payload: null })).toBe(true);
            break;
          }
          case 'finish': {
            if (response === undefined) throw new Error('a turn that is not open cannot finish');
            const { status, reason } = effect;
            expect(takes({ type: 'turn.completed', head: { response, status, reason }, payload: null })).toBe(true);
            break;
          }
          case 'run_tools':
            for (const callId of effect.callIds) {
              const tool = state.turn?.tools.find(one => one.callId === callId);
              const approval = tool?.granted ?? null;
              if (tool?.client === true) {
                const head = { callId, tool: 'report', item: 'fc_1', count: 1, expiresAt: 1 };
                expect(takes({ type: 'tool.postponed', head, payload: { items: [], arguments: '' } })).toBe(true);
                continue;
              }
              expect(takes({ type: 'tool.started', head: { callId, approval }, payload: null })).toBe(true);
            }
            break;
          case 'await_tools':
            for (const callId of effect.callIds) {
              const { tools = [] } = state.turn ?? {};
              const count = tools.find(tool => tool.callId === callId)?.caller === undefined ? 1 : 0;
              // A program whose calls are open is let go, and ends after them.
              expect(
                takes(
                  tools.some(({ caller }) => caller?.program === callId)
                    ? { type: 'tool.suspended', head: { callId }, payload: null }
                    : { type: 'tool.completed', head: { callId, count }, payload: { items: [] } },
                ),
              ).toBe(true);
            }
            break;
          case 'steer': {
            const queued = state.turn?.queued ?? [];
            const count = queued.reduce((sum, one) => sum + one.count, 0);
            const head = { entries: queued.length, count };
            expect(takes({ type: 'input.steered', head, payload: { items: [] } })).toBe(true);
            break;
          }
          case 'await_call':
            expect(state.turn?.call?.index).toBe(effect.call);
            break;
          case 'none':
            // Nothing is in flight: whoever takes this session up has nothing to settle.
            expect(state.turn?.call ?? null).toBeNull();
        }
        // A turn that is open and waits for nobody never stops by itself.
        if (state.turn !== null && state.phase !== 'waiting' && state.kind !== 'stateless')
          expect(effect.type).not.toBe('none');
      }
    }),
    RUNS,
  );
});

test('N4: a message that was queued is in the context of one turn, or waits for one: in the order in which they came', () => {
  let heard = 0;
  fc.assert(
    fc.property(history, ({ events, states }) => {
      /** Those that wait, oldest first. */
      let waits: number[] = [];
      for (const [i, event] of events.entries()) {
        const before = states[i - 1]?.turn?.queued ?? [];
        if (event.type === 'input.queued') waits.push(event.seq);
        if (event.type === 'session.erased') waits = unerased(waits, event);
        const took =
          event.type === 'input.accepted'
            ? (event.head.queued ?? [])
            : event.type === 'input.steered'
              ? before.slice(0, event.head.entries).flatMap(({ seq, call }) => (call === undefined ? [seq] : []))
              : [];
        for (const seq of took) expect(waits).toContain(seq);
        if (event.type === 'input.accepted') heard += took.length;
        waits = waits.filter(seq => !took.includes(seq));
        const { unheard, turn } = states[i] ?? {};
        const kept = [...(unheard?.inputs ?? []), ...(turn?.queued ?? []).filter(({ call }) => call === undefined)];
        expect(kept.map(({ seq }) => seq)).toEqual(waits);
        expect(kept.length).toBeLessThanOrEqual(MAX_QUEUED_INPUTS);
      }
    }),
    { numRuns: 300 },
  );
  // It says something of those that a later turn took.
  expect(heard).toBeGreaterThan(5);
});

function unerased(seqs: readonly number[], { seq, head }: EnvelopeOf<'session.erased'>): number[] {
  if (head.deferred === true) return [...seqs];
  return seqs.filter(one => one <= head.after || one >= (head.before ?? seq));
}

test('files are counted from the heads of what was taken, whether it is folded as it comes or read back', () => {
  let counted = 0;
  fc.assert(
    fc.property(anyHistory, fc.nat(), ({ events, states }, cut) => {
      const told = events.reduce((sum, { head }) => sum + ('files' in head ? (head.files ?? 0) : 0), 0);
      expect(states.at(-1)?.use.filesTouched ?? 0).toBe(told);
      counted += told;
      // A state that was kept in the middle, as a row holds it, goes on as the log does.
      const at = cut % events.length;
      const kept = JSON.parse(JSON.stringify(states[at])) as SessionState;
      const read = reduceAll(kept, events.slice(at + 1));
      if (at + 1 < events.length) expect(read.ok && read.state.use).toEqual(states.at(-1)?.use);
    }),
    RUNS,
  );
  expect(counted).toBeGreaterThan(50);
});
