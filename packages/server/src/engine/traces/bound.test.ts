/** The bound of a trace: what it reads of a turn, and of the turns of sub-agents below it. */
import { expect, test } from 'vitest';
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import { CODEC_VERSION, encodeHead, EVENT_CODES, type StoredEvent } from '../../log/codec.ts';
import type { EventBody } from '../../log/events.ts';
import type { ResponseRow, SessionRow } from '../../log/rows.ts';
import type { EventRange, SessionLog } from '../ports.ts';
import { MAX_TRACE_EVENTS, readTrace, type TraceSource } from './read.ts';
import type { Members } from './told.ts';
import { EVENTS, NOON, SESSION, sha256, TENANT, TURN } from './turn.test-support.ts';

const MEMBER = 'sess_01k3mzzzzz1a2b00000000000003' as SessionId;
const MEMBER_TURN = 'resp_01k3mzzzzz1a2b00000000000004' as ResponseId;
const [ACCEPTED, STARTED] = EVENTS.slice(0, 2) as [EventBody, EventBody];
const ENDED: EventBody = {
  type: 'turn.failed',
  head: { response: TURN, code: 'model_not_found' },
  payload: { message: '' },
};
const FILLER: EventBody = { type: 'session.labelled', head: { labels: ['eu'] }, payload: null };
const tool: EventBody = { type: 'tool.started', head: { callId: 'call_9', approval: null }, payload: null };

/** A turn of so many events, of which the nth begins a tool. */
function turnOf(events: number, toolAt = 0): readonly EventBody[] {
  const between = Array.from({ length: events - 3 }, (_, i) => (i + 3 === toolAt ? tool : FILLER));
  return [ACCEPTED, STARTED, ...between, ENDED];
}

function stored(body: EventBody, seq: number): StoredEvent {
  const [code, head] = [EVENT_CODES[body.type], encodeHead(body)];
  const none = new Uint8Array();
  const shared = { epoch: 1, at: NOON, actor: 'engine', version: CODEC_VERSION, payload: null, salt: null };
  return { ...shared, seq, code, head, payloadDigest: none, digest: none };
}

const rowOf = (session: SessionId, seq: number) =>
  ({ tenant: TENANT, session, kind: 'agent', seq, state: null }) as unknown as SessionRow;
const responseOf = (id: ResponseId, session: SessionId, toSeq: number) =>
  ({ id, session, fromSeq: 1, toSeq, createdAt: NOON }) as unknown as ResponseRow;

async function traced(own: readonly EventBody[], below: readonly EventBody[] = []) {
  const logs = new Map([
    [SESSION, own],
    [MEMBER, below],
  ]);
  const store = {
    events: async ({ session, from, to, limit }: EventRange) =>
      (logs.get(session) ?? [])
        .slice(from - 1, Math.min(to ?? MAX_TRACE_EVENTS * 2, from - 1 + (limit ?? MAX_TRACE_EVENTS * 2)))
        .map((body, i) => stored(body, from + i)),
  } as unknown as SessionLog;
  const source: TraceSource = {
    sha256,
    wait: work => work,
    target: async () => null,
    server: () => null,
    content: false,
  };
  const turn = responseOf(MEMBER_TURN, MEMBER, below.length);
  const alone = new Map([[TURN, [{ member: rowOf(MEMBER, below.length), turn }]]]);
  const members: Members | null = below.length === 0 ? null : { byId: new Map(), alone };
  const trace = await readTrace(
    source,
    store,
    rowOf(SESSION, own.length),
    responseOf(TURN, SESSION, own.length),
    members,
  );
  const spans = trace?.otlp.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(one => one.spans)) ?? [];
  return spans.map(({ name, status }) => [name.split(' ')[0], status?.message ?? '']);
}

const AGENT = ['invoke_agent', 'model_not_found'];

test('of a turn as many events are told, and one more is not; its end always is', async () => {
  const most = MAX_TRACE_EVENTS;
  const tools = async (toolAt: number) => (await traced(turnOf(most + 2, toolAt))).map(([name]) => name);
  expect(await tools(most)).toEqual(['invoke_agent', 'execute_tool']);
  expect(await tools(most + 1)).toEqual(['invoke_agent']);
  expect(await traced(turnOf(most + 2))).toEqual([AGENT]);
});

test('the turns of sub-agents are told as long as there is room for any of theirs', async () => {
  const below = turnOf(10, 5);
  expect(await traced(turnOf(MAX_TRACE_EVENTS - 5), below)).toHaveLength(3);
  // Of its own there is no room but for the beginning, and its end.
  expect(await traced(turnOf(MAX_TRACE_EVENTS - 4), below)).toHaveLength(2);
  expect(await traced(turnOf(MAX_TRACE_EVENTS), below)).toEqual([AGENT]);
});
