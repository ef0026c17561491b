/** L12: events of the Agents API, from what a turn's stream says. */
import { expect, test } from 'vitest';
import type { TurnEvents } from '../../engine/agent-sessions/follow-session.ts';
import type { ResponseId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import { agentEvents, parseEventId, showsSession } from './session-events.ts';

const BODY = '01m80gz0126vpc3yyqhyn9g11ham';
const TURN = `turn_${BODY}`;
const at = { session_id: 'sess_1', turn_id: TURN };

function shown(type: string, said: JsonObject, seq = 7): readonly JsonObject[] {
  const of: TurnEvents = {
    turn: `resp_${BODY}` as ResponseId,
    agent: 'agent_1',
    subagent: null,
    input: [{ type: 'message', id: 'msg_0', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
    events: [{ seq, type, json: JSON.stringify({ type, sequence_number: seq, ...said }) }],
    endedAt: 5_500,
  };
  return agentEvents(of, 'sess_1', (status, required_actions) => ({ status, required_actions })).map(
    ({ id, type: name, json }) => {
      const event = JSON.parse(json) as JsonObject;
      expect([event['event_id'], event['type']]).toEqual([id, name]);
      const { event_id: _, ...rest } = event;
      return rest;
    },
  );
}

const response = (more: JsonObject): JsonObject => ({
  response: {
    created_at: 3,
    completed_at: null,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    usage: null,
    ...more,
  },
});
const turn = (more: JsonObject): JsonObject => ({
  id: TURN,
  object: 'agent.session.turn',
  session_id: 'sess_1',
  agent_id: 'agent_1',
  subagent_id: null,
  status: 'in_progress',
  created_at: 3,
  started_at: 3,
  completed_at: null,
  error: null,
  usage: null,
  ...more,
});

test('ids name the turn, the event in its stream, and the part of it', () => {
  const of: TurnEvents = {
    turn: `resp_${BODY}` as ResponseId,
    agent: 'a',
    subagent: null,
    input: [],
    events: [{ seq: 35, type: 'response.completed', json: JSON.stringify(response({ status: 'completed' })) }],
    endedAt: 1,
  };
  const ids = agentEvents(of, 's', () => ({})).map(({ id }) => id);
  expect(ids).toEqual([`evt_${BODY}000001300`, `evt_${BODY}000001301`]);
  expect(ids.map(parseEventId)).toEqual([
    { turn: `resp_${BODY}`, seq: 35, part: 0 },
    { turn: `resp_${BODY}`, seq: 35, part: 1 },
  ]);
  expect(parseEventId('evt_1')).toBeNull();
  expect(showsSession({ seq: 0, type: 'response.output_text.delta', json: '' })).toBe(false);
});

test('a turn begins: the session, the turn, the messages', () => {
  expect(shown('response.created', response({}))).toEqual([
    { type: 'agent.session.in_progress', session: { status: 'in_progress', required_actions: [] } },
    { type: 'agent.session.turn.created', ...at, turn: turn({}) },
  ]);
  const item = {
    type: 'message',
    id: 'msg_0',
    role: 'user',
    status: 'completed',
    content: [{ type: 'input_text', text: 'Hi' }],
    phase: null,
    turn_id: TURN,
  };
  expect(shown('response.in_progress', response({}))).toEqual([
    { type: 'agent.session.turn.in_progress', ...at, turn: turn({}) },
    { type: 'agent.session.turn.item.added', ...at, item, output_index: null },
  ]);
});

const idle = { type: 'agent.session.idle', session: { status: 'idle', required_actions: [] } };
const failed = (code: string, message: string): JsonObject => ({
  status: 'failed',
  completed_at: 5,
  error: { code, message },
});
test.each([
  [
    'response.completed',
    { status: 'completed', completed_at: 4 },
    'completed',
    { status: 'completed', completed_at: 4 },
  ],
  ['response.incomplete', { status: 'cancelled' }, 'cancelled', { status: 'cancelled', completed_at: 5 }],
  [
    'response.incomplete',
    { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    'failed',
    failed('max_output_tokens', 'The model reached its limit of output tokens.'),
  ],
  [
    'response.failed',
    { status: 'failed', error: { code: 'placement_refused', message: 'No.' } },
    'failed',
    failed('invalid_request', 'placement_refused: No.'),
  ],
  [
    'response.failed',
    { status: 'failed', error: { code: 'no_target_available', message: 'Down.' } },
    'failed',
    failed('server_overloaded', 'Down.'),
  ],
  [
    'response.failed',
    { status: 'failed', error: { code: 'session_budget_exceeded', message: 'Spent.' } },
    'failed',
    failed('session_budget_exceeded', 'Spent.'),
  ],
] as const)('%s with %o ends the turn as %s, then the session is idle', (type, said, name, ended) => {
  expect(shown(type, response(said))).toEqual([
    { type: `agent.session.turn.${name}`, ...at, turn: turn(ended), usage: null },
    idle,
  ]);
});

test('what the model says, refusals as text, and reasoning by its summary', () => {
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  expect(shown('response.output_text.delta', { ...place, delta: 'a' })).toEqual([
    { type: 'agent.session.turn.output_text.delta', ...at, ...place, delta: 'a' },
  ]);
  expect(shown('response.content_part.done', { ...place, part: { type: 'refusal', refusal: 'no' } })).toEqual([
    { type: 'agent.session.turn.content_part.done', ...at, ...place, part: { type: 'output_text', text: 'no' } },
  ]);
  expect(shown('response.content_part.added', { ...place, part: { type: 'reasoning_text', text: '' } })).toEqual([]);
  expect(shown('response.output_item.added', { output_index: 0, item: { type: 'function_call', id: 'fc_1' } })).toEqual(
    [],
  );
  expect(shown('error', { code: 'x' })).toEqual([]);
});

const fact = (origin: JsonObject, more: JsonObject = {}): JsonObject => ({
  call_id: 'c1',
  name: 'shell',
  arguments: '{"command":"ls"}',
  item_id: 'fc_1',
  output_index: 2,
  origin,
  ...more,
});
const done = (more: JsonObject = {}): JsonObject => ({
  shown: true,
  code: null,
  message: null,
  output: { id: 'fco_1', output: 'a b' },
  detail: null,
  ...more,
});

test('a call that the client runs is told of whole, and its result beside it', () => {
  const call = {
    type: 'function_call',
    id: 'fc_1',
    turn_id: TURN,
    call_id: 'c1',
    name: 'shell',
    arguments: { command: 'ls' },
  };
  expect(shown('perdure.tool', fact({ kind: 'client' }))).toEqual([
    { type: 'agent.session.turn.item.added', ...at, item: { ...call, status: 'in_progress' }, output_index: 2 },
  ]);
  const result = { type: 'function_call_output', id: 'fco_1', call_id: 'c1', turn_id: TURN };
  expect(shown('perdure.tool_done', fact({ kind: 'client' }, done()))).toEqual([
    { type: 'agent.session.turn.item.done', ...at, item: { ...call, status: 'completed' }, output_index: 2 },
    {
      type: 'agent.session.turn.item.added',
      ...at,
      item: { ...result, status: 'completed', output: 'a b', error: null },
      output_index: null,
    },
  ]);
  expect(
    shown('perdure.tool_done', fact({ kind: 'client' }, done({ shown: false, code: 'no', message: 'No.' }))),
  ).toEqual([
    {
      type: 'agent.session.turn.item.added',
      ...at,
      item: { ...result, status: 'failed', output: null, error: 'No.' },
      output_index: null,
    },
  ]);
});

test('a command shows what it printed, and a call of an MCP server what that gave', () => {
  const detail = { type: 'command', command: 'ls -l', cwd: '/w', exitCode: 0, durationMs: 3, output: 'x\ny' };
  const item = {
    type: 'command_execution',
    id: 'fc_1',
    status: 'completed',
    turn_id: TURN,
    command: 'ls -l',
    cwd: '/w',
    exit_code: 0,
    duration_ms: 3,
    output: 'x\ny',
  };
  expect(shown('perdure.tool_done', fact({ kind: 'builtin' }, done({ detail })))).toEqual([
    { type: 'agent.output.command_execution_output.delta', ...at, item_id: 'fc_1', output_index: 2, delta: 'x\ny' },
    { type: 'agent.session.turn.item.done', ...at, item, output_index: 2 },
  ]);
  const mcp = { kind: 'mcp', server: 'docs', tool: 'find' };
  expect(shown('perdure.tool_done', fact(mcp, done({ code: 'x', message: 'Gone.' })))).toMatchObject([
    { item: { type: 'mcp_call', server_label: 'docs', name: 'find', status: 'failed', output: null, error: 'Gone.' } },
  ]);
});

test('what a session waits for', () => {
  const call = { turn_id: TURN, call_id: 'c1', name: 'shell', arguments: { command: 'ls' } };
  const asked = { kind: 'approval', approval: 'appr_1', expiresAt: 9_000, about: null };
  const actions = [
    { kind: 'function_call', ...fact({ kind: 'client' }) },
    { ...asked, why: 'policy', ...fact({ kind: 'builtin' }) },
    { ...asked, why: 'outcome_unknown', ...fact({ kind: 'builtin' }) },
  ];
  expect(shown('perdure.waiting', { actions })).toEqual([
    {
      type: 'agent.session.requires_action',
      session: {
        status: 'requires_action',
        required_actions: [
          { type: 'function_call', ...call },
          { type: 'perdure.approval_request', ...call, approval_id: 'appr_1', expires_at: 9 },
          { type: 'perdure.outcome_unknown', ...call, approval_id: 'appr_1', expires_at: 9 },
        ],
      },
    },
  ]);
});

test('an environment: where it stands, in a turn and between two; that it began anew comes before', () => {
  const environment = { id: 'env_1', error: null, status: 'ready', type: 'openai_hosted' };
  expect(shown('perdure.environment', { environment, resets: 0, reset: false })).toEqual([
    { type: 'agent.session.environment.ready', ...at, environment },
  ]);
  const of: TurnEvents = {
    turn: null,
    agent: 'agent_1',
    subagent: null,
    input: [],
    events: [{ seq: 9, type: 'perdure.environment', json: JSON.stringify({ environment, resets: 2, reset: true }) }],
    endedAt: null,
  };
  const session = `sess_${BODY}`;
  const outside = { session_id: session, turn_id: null };
  expect(agentEvents(of, session, () => ({})).map(({ json }) => JSON.parse(json) as unknown)).toEqual([
    {
      type: 'agent.session.environment.reset',
      ...outside,
      environment_id: 'env_1',
      reset_count: 2,
      event_id: `evt_${BODY}000000900`,
    },
    { type: 'agent.session.environment.ready', ...outside, environment, event_id: `evt_${BODY}000000901` },
  ]);
});

test('what a command prints while it runs; its end shows what was not shown', () => {
  const call = {
    call_id: 'c',
    name: 'shell',
    arguments: '{}',
    item_id: 'fc_1',
    output_index: 0,
    origin: { kind: 'builtin' },
  };
  const delta = { type: 'agent.output.command_execution_output.delta', ...at, item_id: 'fc_1', output_index: 0 };
  expect(shown('perdure.tool_output', { type: 'perdure.tool_output', ...call, text: 'one' })).toEqual([
    { ...delta, delta: 'one' },
  ]);
  const ended = (printed: number) =>
    shown('perdure.tool_done', {
      ...call,
      shown: true,
      code: null,
      message: null,
      output: null,
      detail: { output: 'one two' },
      printed,
    }).filter(({ type }) => type === delta.type);
  expect(ended(3)).toEqual([{ ...delta, delta: ' two' }]);
  expect(ended(-1)).toEqual([]);
});
