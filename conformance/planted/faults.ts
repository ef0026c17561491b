/** The rules that are broken on purpose, and which checks must say so. */
import { at, isJson, type Json, listAt, textAt } from '../json.ts';
import type { Asked, Fault, Told } from './bad-server.ts';

const isCreate = ({ method, path }: Asked): boolean => method === 'POST' && path === '/v1/responses';
const bodyOf = ({ body }: Asked): Json => (isJson(body) ? body : {});
const without = (value: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
const refusal = (status: number, message: string, code = 'invalid_request'): Told => ({
  status,
  body: { error: { message, type: status >= 500 ? 'server_error' : 'invalid_request_error', code, param: null } },
});
/** Applies to a response wherever it stands. */
const inResponses = (change: (response: Json) => Json): Pick<Fault, 'answers' | 'events'> => ({
  answers: told => (at(told.body, 'object') === 'response' ? { ...told, body: change(told.body as Json) } : told),
  events: event => (isJson(event['response']) ? [{ ...event, response: change(event['response']) }] : [event]),
});
const asCreate = (change: (body: Json) => Json): Pick<Fault, 'asks'> => ({
  asks: asked => (isCreate(asked) ? { body: change(bodyOf(asked)) } : asked),
});

/** Turns before a response, as the proxy has seen them: what has no state has none to prune. */
function pruning(): Fault {
  const depths = new Map<unknown, number>();
  return {
    name: 'prunes a chain to its last four turns',
    fails: ['chain.not-pruned'],
    asks: asked => {
      const body = bodyOf(asked);
      const deep = (depths.get(body['previous_response_id']) ?? 0) >= 4;
      return isCreate(asked) && deep ? { body: without(body, 'previous_response_id') } : asked;
    },
    answers: (told, asked) => {
      if (isCreate(asked) && told.status === 200)
        depths.set(at(told.body, 'id'), 1 + (depths.get(bodyOf(asked)['previous_response_id']) ?? 0));
      return told;
    },
  };
}

function inheriting(): Fault {
  const kept = new Map<unknown, unknown>();
  return {
    name: 'inherits instructions',
    fails: ['chain.instructions'],
    asks: asked => {
      const body = bodyOf(asked);
      const instructions = body['instructions'] ?? kept.get(body['previous_response_id']);
      return isCreate(asked) && instructions !== undefined ? { body: { ...body, instructions } } : asked;
    },
    answers: (told, asked) => {
      const { instructions } = bodyOf(asked);
      if (isCreate(asked) && typeof instructions === 'string') kept.set(at(told.body, 'id'), instructions);
      return told;
    },
  };
}

export const faultsOf = (key: string, otherKey: string): readonly Fault[] => [
  {
    name: 'leaves a property out of the first snapshots',
    fails: ['response.snapshots', 'schema.events'],
    events: event =>
      isJson(event['response']) && event['type'] !== 'response.completed'
        ? [{ ...event, response: without(event['response'], 'max_tool_calls') }]
        : [event],
  },
  {
    name: 'repeats a sequence number',
    fails: ['stream.sequence', 'errors.stream-failure-stateless'],
    events: (event, asked) =>
      isCreate(asked) && bodyOf(asked)['store'] === false && event['sequence_number'] === 3
        ? [{ ...event, sequence_number: 2 }]
        : [event],
  },
  {
    name: 'ignores a previous response that it does not know',
    fails: ['chain.unknown', 'chain.deleted', 'stateless.not-chainable', 'chain.isolation'],
    answers: (told, asked) =>
      isCreate(asked) && at(told.body, 'error', 'code') === 'previous_response_not_found'
        ? { status: 200, body: { object: 'nothing', output: [] } }
        : told,
  },
  pruning(),
  inheriting(),
  {
    name: "shows one key's responses to another",
    fails: ['chain.isolation'],
    asks: asked =>
      asked.method === 'GET' &&
      asked.path.startsWith('/v1/responses/') &&
      asked.headers['authorization'] === `Bearer ${otherKey}`
        ? { headers: { ...asked.headers, authorization: `Bearer ${key}` } }
        : asked,
  },
  {
    name: 'fails on an unknown hosted tool',
    fails: ['tools.unknown-hosted'],
    asks: asked =>
      isCreate(asked) && listAt(asked.body, 'tools').some(tool => tool['type'] === 'tool_of_tomorrow')
        ? refusal(500, 'Something went wrong.', 'internal_error')
        : asked,
  },
  {
    name: 'echoes tools without strict',
    fails: ['response.tools-echo', 'schema.responses', 'schema.events'],
    ...inResponses(response => ({
      ...response,
      tools: listAt(response, 'tools').map(tool => without(tool, 'strict')),
    })),
  },
  {
    name: 'sends an event of its own',
    fails: ['stream.known-events', 'schema.events'],
    events: (event, asked) =>
      isCreate(asked) && bodyOf(asked)['tools'] !== undefined && event['type'] === 'response.in_progress'
        ? [{ ...event, type: 'perdure.placed' }]
        : [event],
  },
  {
    name: 'takes half an answer for complete',
    fails: ['incomplete.json', 'chat.length'],
    answers: (told, asked) => {
      const { body } = told;
      if (isCreate(asked) && at(body, 'status') === 'incomplete')
        return { ...told, body: { ...(body as Json), status: 'completed', incomplete_details: null } };
      const [choice] = listAt(body, 'choices');
      return choice?.['finish_reason'] === 'length'
        ? { ...told, body: { ...(body as Json), choices: [{ ...choice, finish_reason: 'stop' }] } }
        : told;
    },
  },
  {
    name: 'refuses fields that it does not know',
    fails: ['fields.unknown'],
    asks: asked =>
      isCreate(asked) && 'client_metadata' in bodyOf(asked)
        ? refusal(400, 'Unknown parameter: client_metadata.')
        : asked,
  },
  {
    name: 'refuses null',
    fails: ['fields.null'],
    asks: asked => (isCreate(asked) && bodyOf(asked)['tools'] === null ? refusal(400, 'tools must be a list.') : asked),
  },
  {
    name: 'guesses has_more from the length of the page',
    fails: ['lists.has-more', 'lists.conversation-items'],
    answers: (told, asked) => {
      const limit = Number(new URL(asked.path, 'http://x').searchParams.get('limit') ?? 20);
      if (at(told.body, 'object') !== 'list' || !asked.path.includes('items')) return told;
      return { ...told, body: { ...(told.body as Json), has_more: listAt(told.body, 'data').length === limit } };
    },
  },
  {
    name: 'clamps limits in silence',
    fails: ['lists.limit', 'lists.conversation-items'],
    asks: asked => ({ path: asked.path.replace('limit=101', 'limit=100') }),
  },
  {
    name: 'stores what must not be stored',
    fails: ['stateless.not-readable', 'stateless.not-chainable', 'stateless.continues-stored'],
    ...asCreate(body => (body['store'] === false ? { ...body, store: true } : body)),
  },
  {
    name: 'shows a stack',
    fails: ['schema.no-leaks'],
    answers: (told, { path }) =>
      told.status === 404 && path.includes('/no/such')
        ? {
            ...told,
            body: {
              error: { ...(at(told.body, 'error') as Json), message: 'Error\n    at serve (/srv/app/main.js:10:5)' },
            },
          }
        : told,
  },
  {
    name: 'answers errors without an envelope',
    fails: ['errors.unknown-response', 'schema.errors'],
    answers: (told, { path }) =>
      told.status === 404 && path.includes('/v1/responses/resp_000')
        ? { status: 404, body: { detail: 'Not Found' } }
        : told,
  },
  {
    name: 'writes events in two pieces',
    fails: ['stream.whole-writes'],
    writes: text => [text.slice(0, 20), text.slice(20)],
  },
  {
    name: 'drops metadata beyond its bound',
    fails: ['metadata.pairs'],
    ...asCreate(body =>
      isJson(body['metadata']) && Object.keys(body['metadata']).length > 16
        ? { ...body, metadata: Object.fromEntries(Object.entries(body['metadata']).slice(0, 16)) }
        : body,
    ),
  },
  {
    name: 'resumes one event too early',
    fails: ['resume.starting-after', 'resume.at-the-end', 'resume.after-hang-up'],
    asks: asked => ({
      path: asked.path.replace(/starting_after=(\d+)/, (_, number: string) => `starting_after=${Number(number) - 1}`),
    }),
  },
  {
    name: 'sends null for what has no value',
    fails: ['response.omitted', 'schema.events', 'schema.responses'],
    ...inResponses(response => ({ ...response, text: { ...(response['text'] as Json), verbosity: null } })),
  },
  {
    name: 'drops an output that nobody asked for',
    fails: ['tools.orphan'],
    answers: (told, asked) =>
      isCreate(asked) && at(told.body, 'error', 'code') === 'tool_call_not_found' ? { status: 200, body: {} } : told,
  },
  {
    name: 'keeps no tool items',
    fails: ['tools.missing-output'],
    answers: (told, asked) =>
      isCreate(asked) && at(told.body, 'error', 'code') === 'tool_output_missing' ? { status: 200, body: {} } : told,
  },
  {
    name: 'ends a chat stream without [DONE]',
    fails: ['chat.stream'],
    writes: text => (text.includes('[DONE]') ? [] : [text]),
  },
  {
    name: 'numbers outputs from one',
    fails: ['stream.output-index', 'stream.items'],
    events: event =>
      typeof event['output_index'] === 'number' &&
      event['item'] !== undefined &&
      textAt(event, 'item', 'type') === 'function_call'
        ? [{ ...event, output_index: event['output_index'] + 1 }]
        : [event],
  },
  {
    name: 'loses a delta',
    fails: ['stream.text'],
    events: event =>
      event['type'] === 'response.output_text.delta' && event['sequence_number'] === 6
        ? [{ ...event, delta: '' }]
        : [event],
  },
  {
    name: 'reads another text than it sent',
    fails: ['response.read-back', 'response.stream-read-back'],
    answers: (told, { method, path }) =>
      method === 'GET' && /^\/v1\/responses\/[^/?]+$/.test(path) && at(told.body, 'object') === 'response'
        ? { ...told, body: { ...(told.body as Json), created_at: Number(at(told.body, 'created_at')) + 1 } }
        : told,
  },
  {
    name: 'adds 21 items',
    fails: ['conversations.add-bound'],
    asks: asked => {
      const items = listAt(asked.body, 'items');
      return asked.path.endsWith('/items') && items.length > 20 ? { body: { items: items.slice(0, 1) } } : asked;
    },
  },
  {
    name: 'deletes responses with their conversation',
    fails: ['conversations.deletion-spares'],
    ...forgetful(),
  },
];

/** Hides the responses of conversations that were deleted. */
function forgetful(): Pick<Fault, 'asks' | 'answers'> {
  const homes = new Map<string, string>();
  const deleted = new Set<string>();
  return {
    asks: asked => {
      const id = /^\/v1\/responses\/([^/?]+)$/.exec(asked.path)?.[1] ?? '';
      return asked.method === 'GET' && deleted.has(homes.get(id) ?? '')
        ? refusal(404, 'The response does not exist.', 'response_not_found')
        : asked;
    },
    answers: (told, asked) => {
      const conversation = textAt(told.body, 'conversation', 'id');
      if (conversation !== '') homes.set(textAt(told.body, 'id'), conversation);
      if (asked.method === 'DELETE' && told.status === 200) deleted.add(textAt(told.body, 'id'));
      return told;
    },
  };
}
