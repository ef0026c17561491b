/** The WebSocket on `/responses`. */
import { type Check, must, NotOffered, same } from '../check.ts';
import { at, type Json, outputText, parsed } from '../json.ts';
import { envelopeFaults } from '../schema.ts';
import { said } from '../server.ts';
import { dial, type Socket } from '../socket.ts';
import { dog, WHICH } from './chaining.ts';

const typesOf = (frames: readonly Json[]): readonly string[] => frames.map(frame => String(frame['type']));
const endOf = (frames: readonly Json[]): Json => frames.at(-1) ?? {};
const responseOf = (frames: readonly Json[]): Json => {
  const end = endOf(frames);
  must(end['type'] === 'response.completed', `the turn ends with ${JSON.stringify(end).slice(0, 300)}`);
  return end['response'] as Json;
};
/** An error that belongs to no response: type, status, and the error with its code. */
function refusedFrame(frames: readonly Json[], code: string | null): Json {
  const end = endOf(frames);
  same(end['type'], 'error', 'the type of the frame');
  must(Number.isInteger(end['status']), `its status is ${JSON.stringify(end['status'])}`);
  if (code !== null) same(at(end, 'error', 'code'), code, 'its code');
  return end;
}
async function alive(socket: Socket, body: Json): Promise<void> {
  same(responseOf(await socket.create(body))['status'], 'completed', 'the next turn on the same socket');
}

export const WEBSOCKET: readonly Check[] = [
  {
    id: 'websocket.turn',
    asks: 'A turn over a WebSocket has the events of a stream, one a frame, numbered from 0.',
    why: 'One reader of events serves both.',
    async run({ connect, server, ask }) {
      const frames = await (await connect()).create(ask('Hello.'));
      const numbers = frames.map(frame => frame['sequence_number']);
      same(
        numbers,
        numbers.map((_, index) => index),
        'the sequence numbers',
      );
      const streamed = await server.events(ask('Hello.'));
      same([...new Set(typesOf(frames))], [...new Set(typesOf(streamed))], 'the types of its events');
      const response = responseOf(frames);
      same((await server.get(`/responses/${String(response['id'])}`)).body, response, 'the response read over HTTP');
      return `${frames.length} frames`;
    },
  },
  {
    id: 'websocket.sequential',
    asks: 'Turns that are sent at once run one after the other.',
    why: 'Two streams in one cannot be told apart.',
    async run({ connect, ask }) {
      const socket = await connect();
      for (const input of ['Hello.', 'Hello again.', 'And again.'])
        socket.send({ type: 'response.create', ...ask(input) });
      const ids = new Set<unknown>();
      for (let turn = 0; turn < 3; turn += 1) {
        const frames = await socket.turn();
        same(frames[0]?.['type'], 'response.created', `the first frame of turn ${turn}`);
        const { id } = responseOf(frames);
        for (const frame of frames)
          if ('response' in frame) same(at(frame, 'response', 'id'), id, 'the id within a turn');
        ids.add(id);
      }
      same(ids.size, 3, 'the number of responses');
      return '3 turns';
    },
  },
  {
    id: 'websocket.chain',
    asks: 'A stored response is gone on from over the socket, whoever made it.',
    why: 'Connections end; sessions do not.',
    async run({ connect, server, ask, word }) {
      const name = word();
      const first = await server.create(ask(dog(name)));
      const second = responseOf(await (await connect()).create(ask(WHICH, { previous_response_id: first['id'] })));
      must(outputText(second).includes(name), `answered ${outputText(second)}`);
      return outputText(second).slice(0, 80);
    },
  },
  {
    id: 'websocket.stateless-chain',
    asks: 'On one socket a chain with `store: false` is kept, and nowhere else.',
    why: 'Who must not store can still talk.',
    async run({ connect, server, ask, word }) {
      const name = word();
      const socket = await connect();
      const first = responseOf(await socket.create(ask(dog(name), { store: false })));
      const more = { store: false, previous_response_id: first['id'] };
      const second = responseOf(await socket.create(ask(WHICH, more)));
      must(outputText(second).includes(name), `answered ${outputText(second)}`);
      const read = await server.get(`/responses/${String(first['id'])}`);
      must(read.status === 404, `GET answers ${said(read)}`);
      const stranger = await connect();
      refusedFrame(await stranger.create(ask(WHICH, more)), 'previous_response_not_found');
      return outputText(second).slice(0, 80);
    },
  },
  {
    id: 'websocket.not-found',
    asks: 'An unknown previous response is `previous_response_not_found`, and the socket lives on.',
    why: 'Clients send the whole history again on it, over the same socket.',
    async run({ connect, ask }) {
      const socket = await connect();
      const unknown = ask(WHICH, { previous_response_id: 'resp_00000000000000000000000000000000' });
      const frame = refusedFrame(await socket.create(unknown), 'previous_response_not_found');
      await alive(socket, ask('Hello.'));
      return `status ${String(frame['status'])}`;
    },
  },
  {
    id: 'websocket.eviction',
    asks: 'A continuation that fails evicts its parent from the socket and leaves the socket open.',
    why: 'It is documented so: clients send the whole history again.',
    async run({ connect, ask }) {
      const socket = await connect();
      const { id } = responseOf(await socket.create(ask('Hello.', { store: false })));
      const more = { store: false, previous_response_id: id };
      const orphan = { type: 'function_call_output', call_id: 'call_of_nobody', output: 'Forty-two.' };
      refusedFrame(await socket.create(ask([orphan], more)), null);
      refusedFrame(await socket.create(ask(WHICH, more)), 'previous_response_not_found');
      await alive(socket, ask('Hello.', { store: false }));
      return 'evicted';
    },
  },
  {
    id: 'websocket.tolerates',
    asks: '`stream: true` and `generate: false` in a frame do no harm, and what was warmed up is gone on from.',
    why: 'Clients send them.',
    async run({ connect, ask }) {
      const socket = await connect();
      await alive(socket, ask('Hello.', { stream: true }));
      const warm = responseOf(await socket.create(ask('Hello.', { generate: false, store: false })));
      same(warm['output'], [], 'the output of a turn without generation');
      await alive(socket, ask('Hello again.', { store: false, previous_response_id: warm['id'] }));
      return 'both';
    },
  },
  {
    id: 'websocket.background',
    asks: 'In the background is refused over a WebSocket.',
    why: 'It is documented so.',
    async run({ connect, ask }) {
      const socket = await connect();
      const frame = refusedFrame(await socket.create(ask('Hello.', { background: true })), null);
      await alive(socket, ask('Hello.'));
      return String(at(frame, 'error', 'code'));
    },
  },
  {
    id: 'websocket.bad-frames',
    asks: 'Frames that are no JSON, of no type, of an unknown type or without a model get an error.',
    why: 'Silence leaves a client waiting.',
    async run({ connect, ask }) {
      const codes: string[] = [];
      for (const frame of [
        '{"type":',
        '[]',
        '{}',
        '{"type":"response.frobnicate"}',
        '{"type":"response.create"}',
        'null',
      ]) {
        const socket = await connect();
        socket.send(frame);
        const error = refusedFrame([await socket.next()], null);
        codes.push(String(at(error, 'error', 'code')));
        await alive(socket, ask('Hello.'));
      }
      return [...new Set(codes)].join(', ');
    },
  },
  {
    id: 'websocket.upgrade-refused',
    asks: 'Without a key the upgrade is refused with 401 and the envelope.',
    why: 'A socket that opens and then closes cannot say why.',
    needs: ['keys'],
    async run({ connect, server }) {
      await connect();
      const refused = await dial(server.baseUrl, 'sk-of-nobody-000000000000');
      must('status' in refused, 'it was not refused');
      same(refused.status, 401, 'the status');
      same(envelopeFaults(parsed(refused.text)), [], 'the faults of the envelope');
      return '401';
    },
  },
  {
    id: 'websocket.isolation',
    asks: "Another key's response looks like none over a WebSocket too.",
    why: 'As over HTTP.',
    needs: ['second key'],
    async run({ connect, other, ask, word }) {
      const socket = await connect();
      const name = word();
      const { id } = await other.create(ask(dog(name)));
      const frame = refusedFrame(
        await socket.create(ask(WHICH, { previous_response_id: id })),
        'previous_response_not_found',
      );
      must(!JSON.stringify(frame).includes(name), 'the error shows it');
      return 'previous_response_not_found';
    },
  },
  {
    id: 'websocket.lanes',
    asks: 'Frames of a lane carry its `stream_id`, and lanes run side by side.',
    why: 'Sub-agents share one connection.',
    async run({ connect, ask }) {
      const socket = await connect();
      const lanes = ['one', 'two'];
      for (const lane of lanes) socket.send({ type: 'response.create', stream_id: lane, ...ask('Hello.') });
      const open = new Set(lanes);
      const numbers = new Map<unknown, number>();
      while (open.size > 0) {
        const frame = await socket.next();
        const { stream_id: lane, type } = frame;
        if (lane === undefined && type !== 'error') throw new NotOffered('frames carry no stream_id');
        must(
          lanes.includes(String(lane)),
          `a frame of the lane ${String(lane)}: ${JSON.stringify(frame).slice(0, 200)}`,
        );
        const number = numbers.get(lane) ?? 0;
        same(frame['sequence_number'], number, `the sequence number on lane ${String(lane)}`);
        numbers.set(lane, number + 1);
        if (type === 'response.completed') open.delete(String(lane));
        else
          must(type !== 'response.failed' && type !== 'error', `a lane failed: ${JSON.stringify(frame).slice(0, 200)}`);
      }
      return `${[...numbers.values()].join(' and ')} frames`;
    },
  },
];
