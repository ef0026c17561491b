/** The laws of programs, reviews and sub-agents can be broken: what each of these logs says is found, and what is sound is not. */
import { expect, test } from 'vitest';
import { subagentSession } from '../../../packages/server/src/engine/subagents/ids.ts';
import type { SessionId } from '../../../packages/server/src/kernel/ids.ts';
import type { EventBody, LogEvent } from '../../../packages/server/src/log/events.ts';
import { sha256 } from '../../../packages/server/src/main/digest.ts';
import { AgentLedger } from '../load/agent-ledger.ts';
import { reviewerPermits } from '../load/verdicts.ts';
import { Violations } from '../violations.ts';
import { checkFamilies } from './family-laws.ts';
import { checkAgents, type Logged } from './in-agent-log.ts';
import { checkPrograms } from './program-laws.ts';
import { checkReviews } from './review-laws.ts';
import { newToolCounts } from './tool-laws.ts';

type Body = Pick<EventBody, 'type'> & { readonly head: object; readonly payload?: object; readonly actor?: string };

function log(bodies: readonly Body[]): readonly LogEvent[] {
  return bodies.map(
    (body, i) => ({ payload: null, actor: 'engine', ...body, seq: i + 1, at: 1 }) as unknown as LogEvent,
  );
}

function logged(bodies: readonly Body[], more: Partial<Logged['tools']> = {}): Logged {
  return {
    events: log(bodies),
    tools: { approvals: new Map(), waits: false, waitsFor: [], texts: new Map(), ...more },
  };
}

const found = (check: (violations: Violations) => void): readonly string[] => {
  const violations = new Violations();
  check(violations);
  return violations.kept.map(({ what }) => what);
};

// ---- Sessions ----

test('a session that its client was never told of was begun twice', () => {
  const told = new AgentLedger();
  told.begin({ client: 'c', id: 's', family: false, reviewed: false });
  const begun = (id: string) => [id, logged([{ type: 'session.created', head: {} }])] as const;
  const subagent = ['u', logged([{ type: 'session.created', head: { subagent: { owner: 's' } } }])] as const;
  const check = (logs: ReadonlyMap<string, Logged>) =>
    found(violations => checkAgents(told, logs, new Set(), violations));
  expect(check(new Map([begun('s'), subagent]))).toEqual([]);
  expect(check(new Map([begun('s'), begun('t'), subagent]))).toEqual([
    'a session that nobody was told of, though all are asked for until they are',
  ]);
});

// ---- Programs ----

const requested = (callId: string, tool: string, index?: number): Body => ({
  type: 'tool.requested',
  head: { callId, tool, ...(index !== undefined && { caller: { program: 'p', index } }) },
});
const ended = (callId: string): Body => ({ type: 'tool.completed', head: { callId, count: 0 } });
const PROGRAM = requested('p', 'programmatic_tool_calling');
const programs = (...bodies: readonly Body[]): readonly string[] =>
  found(violations => checkPrograms(violations, 's', log([PROGRAM, ...bodies]), newToolCounts()));

test('a program that makes each call once and ends after them is sound', () => {
  expect(programs(requested('a', 't', 0), requested('b', 't', 1), ended('a'), ended('b'), ended('p'))).toEqual([]);
});

test.each([
  [
    'again',
    [requested('a', 't', 0), ended('a'), requested('a', 't', 0), ended('a'), ended('p')],
    'a tool was asked for twice',
  ],
  [
    'another id',
    [requested('a', 't', 0), ended('a'), requested('c', 't', 0), ended('c'), ended('p')],
    'a program made a call again, or left one out',
  ],
  ['left out', [requested('a', 't', 1), ended('a'), ended('p')], 'a program made a call again, or left one out'],
  ['too early', [requested('a', 't', 0), ended('p')], 'a program ended before its calls'],
  ['too late', [ended('p'), requested('a', 't', 0)], 'a call of a program that does not run'],
])('a program whose calls come %s', (_, bodies, what) => {
  expect(programs(...bodies)).toContain(what);
});

// ---- Reviews ----

const usage = { input: 3, cached: 0, output: 1, reasoning: 0 };
const tickets = ['a', 'b', 'c'].map(letter => letter.repeat(14));
const permitted = tickets.find(ticket => reviewerPermits(ticket)) ?? '';
const refused = tickets.find(ticket => !reviewerPermits(ticket)) ?? '';
const ASKED: Body = { type: 'approval.requested', head: { approval: 'appr_1', callId: 'a', reviewed: true } };
const verdict = (type: 'approval.granted' | 'approval.denied', more: object = {}): Body => ({
  type,
  head: { approval: 'appr_1', review: { placement: 'plc_r_1', target: 't', usage }, ...more },
  actor: 'reviewer',
});
const call = (...last: readonly Body[]): readonly Body[] => [
  { type: 'call.admitted', head: { subject: 'sess_s' } },
  { type: 'call.placed', head: { chosen: 't' } },
  ...last,
];
const METERED = call({ type: 'call.completed', head: { usage } });

function reviews(ticket: string, said: readonly Body[], made = METERED): readonly string[] {
  const session = logged([ASKED, ...said], { texts: new Map([['a', JSON.stringify({ ticket, text: '' })]]) });
  const stateless = new Map([['sess_r', log(made)]]);
  return found(violations => checkReviews(new Map([['sess_s', session]]), stateless, violations, newToolCounts()));
}

test('a verdict that is what the model said, of a call that was metered, is sound', () => {
  expect(reviews(permitted, [verdict('approval.granted')])).toEqual([]);
  expect(reviews(refused, [verdict('approval.denied')])).toEqual([]);
  // A process died before the answer was metered, or the reviewer could not be asked.
  expect(reviews(permitted, [verdict('approval.granted')], call({ type: 'call.failed', head: {} }))).toEqual([]);
  expect(reviews(permitted, [verdict('approval.denied', { review: undefined })])).toEqual([]);
});

test.each([
  ['none', [], METERED, 'a review without its verdict'],
  [
    'that of a person',
    [{ ...verdict('approval.granted'), actor: 'key:boss' }],
    METERED,
    'a review without its verdict',
  ],
  ['no', [verdict('approval.denied')], METERED, 'a verdict is not what the model said'],
  [
    'yes without a call',
    [verdict('approval.granted', { review: undefined })],
    METERED,
    'nobody was asked, and the answer was yes',
  ],
  [
    'yes of a call without an end',
    [verdict('approval.granted')],
    call(),
    'a verdict whose call was not placed and metered',
  ],
  [
    'yes of another session',
    [verdict('approval.granted')],
    [{ type: 'call.admitted', head: { subject: 'x' } }, ...METERED.slice(1)],
    'a verdict whose call was not placed and metered',
  ],
  [
    'yes at another price',
    [verdict('approval.granted')],
    call({ type: 'call.completed', head: { usage: { ...usage, output: 2 } } }),
    'a verdict says another usage than its call',
  ],
] as const)('a verdict on a call that the model permits: %s', (_, said, made, what) => {
  expect(reviews(permitted, said, made)).toContain(what);
});

test('a yes to a call that the model refuses', () => {
  expect(reviews(refused, [verdict('approval.granted')])).toContain('a verdict is not what the model said');
});

// ---- Sub-agents ----

const OWNER = 'sess_01m818vehx6vpc5te5wz1pmy7k4m' as SessionId;
const madeBy = (callId: string): SessionId =>
  subagentSession(OWNER, Buffer.from(sha256(JSON.stringify([OWNER, 'resp_1', callId]))).toString('hex'));
const MADE = madeBy('c');
const TASK = 'Task abc';
const created = (session = MADE, parent: string | null = null): Body => ({
  type: 'subagent.created',
  head: { session, parent, previous: 0 },
  payload: { name: null, instructions: TASK },
});
const OWNERS: readonly Body[] = [
  { type: 'session.created', head: {} },
  { type: 'turn.started', head: { response: 'resp_1' } },
  requested('c', 'create_subagent'),
  { type: 'tool.started', head: { callId: 'c' } },
];
const TOLD: Body = { type: 'input.accepted', head: {}, payload: { items: [{ text: TASK }] } };
const member = (
  bodies: readonly Body[] = [TOLD],
  more: Partial<Logged['tools']> = {},
  parent: string | null = null,
): Logged =>
  logged([{ type: 'session.created', head: { subagent: { owner: OWNER, parent, depth: 1 } } }, ...bodies], more);
const ERASED: Body = { type: 'session.erased', head: {} };

function families(owner: Logged, members: readonly (readonly [string, Logged])[]): readonly string[] {
  const sessions = new Map([[OWNER as string, owner], ...members]);
  return found(violations => checkFamilies(sessions, violations, newToolCounts()));
}

test('a sub-agent that a call made, and told its task once, is sound', () => {
  expect(families(logged([...OWNERS, created(), ended('c')]), [[MADE, member()]])).toEqual([]);
  // A process died between the tree and the session, and the turn was over.
  expect(families(logged([...OWNERS, created()]), [])).toEqual([]);
  expect(families(logged([...OWNERS, created(), ended('c'), ERASED]), [[MADE, member([TOLD, ERASED])]])).toEqual([]);
});

test.each([
  ['in no tree', [...OWNERS], member(), 'a sub-agent is in no tree'],
  ['made twice', [...OWNERS, created(), created()], member(), 'a sub-agent was made twice'],
  ['not asked for', [...OWNERS, created(), created(madeBy('d'))], member(), 'a sub-agent that no call asked for'],
  ['not told', [...OWNERS, created(), ended('c')], member([]), 'a sub-agent was not told its task once'],
  ['told twice', [...OWNERS, created()], member([TOLD, TOLD]), 'a sub-agent was not told its task once'],
  [
    'of another parent',
    [...OWNERS, created()],
    member([TOLD], {}, 'sess_x'),
    'a sub-agent has another parent than the tree says',
  ],
  ['left over', [...OWNERS, created(), ERASED], member(), 'a sub-agent and its owner are not erased together'],
  [
    'closed, and at work',
    [...OWNERS, created(), { type: 'subagent.closed', head: { sessions: [MADE] } }],
    member([TOLD], { waits: true }),
    'a sub-agent that was closed has a turn open',
  ],
] as const)('a sub-agent that is %s', (_, owner, of, what) => {
  expect(families(logged(owner), [[MADE, of]])).toContain(what);
});

test('a call that made a sub-agent that is not there, and a wait for one that rests', () => {
  expect(families(logged([...OWNERS, created(), ended('c')]), [])).toContain(
    'a call made a sub-agent that is not there',
  );
  const waiting = logged([...OWNERS, created()], { waits: true, waitsFor: [MADE] });
  expect(families(waiting, [[MADE, member()]])).toContain('a session waits for sub-agents that are at rest');
});
