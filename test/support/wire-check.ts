/**
 * Holds everything that the server sends in a test against its schema: Open Responses for what it defines, the OpenAPI document's answer for routes of
 * ours, its schemas for the rest, the catalogue for errors. Finds are collected, not thrown: a client may swallow what its fetch throws.
 */
import {
  agentDeletedSchema,
  agentSchema,
  agentItemSchema,
  agentSessionDeletedSchema,
  agentSessionEventSchema,
  agentSessionSchema,
  agentTraceSchema,
  agentTurnSchema,
  AUTOMATION_OBJECTS,
  ENVIRONMENT_OBJECTS,
  chatChunkSchema,
  chatCompletionSchema,
  conversationSchema,
  fileDeletedSchema,
  fileSchema,
  credentialDeletedSchema,
  credentialSchema,
  ERRORS,
  healthSchema,
  inputTokensSchema,
  isErrorCode,
  readySchema,
  subagentSchema,
  vaultDeletedSchema,
  vaultSchema,
} from '@perdure/protocol';
import { isOurs, openapiDocument, ROUTES } from '@perdure/protocol/openapi';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import {
  validateCompaction,
  validateItem,
  validateResponse,
  validateStreamEvent,
} from '../../packages/protocol/src/test-support/open-responses.ts';
import { SentEvents, type SentEvent } from './sse.ts';

/** What a schema of the protocol does here. */
interface Schema {
  safeParse(value: unknown): {
    readonly success: boolean;
    readonly error?: {
      readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
    };
  };
}
type Json = { readonly [name: string]: unknown };

/** Events that OpenAI has and Open Responses does not: the one documented deviation. */
const REASONING_TEXT = /^response\.reasoning_text\.(delta|done)$/;

export class WireCheck {
  readonly #faults: string[] = [];
  #checked = 0;

  /** How many bodies and events were looked at: a test that checks nothing proves nothing. */
  get checked(): number {
    return this.#checked;
  }

  /** Throws if anything that was sent so far breaks its schema. */
  assertClean(): void {
    if (this.#faults.length > 0) throw new Error(`the server broke the wire:\n${this.#faults.join('\n')}`);
  }

  /** A fetch that looks at every answer while the client reads it. */
  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    // How a client tries what its fetch can do.
    if (url.protocol === 'data:') return fetch(input, init);
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    const where = `${method} ${url.pathname}`;
    const response = await fetch(input, init);
    if (response.headers.get('x-request-id') === null && !OPEN.test(url.pathname))
      this.#fault(where, ['/headers: no x-request-id']);
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('text/event-stream') && response.body !== null) {
      const { status, statusText, headers } = response;
      return new Response(response.body.pipeThrough(this.#streamCheck(where)), { status, statusText, headers });
    }
    // The bytes of a file are the client's own.
    if (response.ok && !type.startsWith('application/json')) return response;
    const text = await response.clone().text();
    this.#body(where, response.status, JSON.parse(text) as Json);
    return response;
  };

  /** Looks at every frame of one WebSocket, in their order. */
  frames(): (text: string) => void {
    const next = new Map<unknown, number>();
    let steers = 0;
    return text => {
      this.#checked += 1;
      const { stream_id: lane, ...data } = JSON.parse(text) as Json;
      const type = String(data['type']);
      const where = `frame ${type}`;
      const number = data['sequence_number'];
      if (type === 'error') return this.#fault(where, errorFaults(Number(data['status']), data));
      if (type.startsWith('response.steer.')) {
        if (number !== steers++)
          this.#fault(where, [`/sequence_number: ${String(number)} where ${steers - 1} was next`]);
        return this.#fault(where, steerFaults(data));
      }
      this.#fault(where, eventFaults({ name: type, data: text }, data));
      const expected = type === 'response.created' ? 0 : (next.get(lane) ?? Number.NaN);
      // On a socket a stream has one end: the number of its `error` event is left out.
      if (number !== expected && !(type === 'response.failed' && number === expected + 1))
        this.#fault(where, [`/sequence_number: ${String(number)} where ${expected} was next`]);
      next.set(lane, Number(number) + 1);
    };
  }

  #fault(where: string, errors: readonly string[]): void {
    this.#faults.push(...errors.map(error => `${where} ${error}`));
  }

  #body(where: string, status: number, body: Json): void {
    this.#checked += 1;
    this.#fault(
      `${where} -> ${status}`,
      status >= 400 && !('checks' in body) ? errorFaults(status, body) : (ownFaults(where, body) ?? bodyFaults(body)),
    );
  }

  #streamCheck(where: string): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
    const events = new SentEvents();
    const decoder = new TextDecoder();
    let expected = 0;
    return new TransformStream({
      transform: (chunk, out) => {
        out.enqueue(chunk);
        for (const event of events.push(decoder.decode(chunk, { stream: true }))) {
          this.#checked += 1;
          if (event.data === '[DONE]') continue;
          const data = JSON.parse(event.data) as Json;
          this.#fault(where, eventFaults(event, data));
          if (data['object'] === 'chat.completion.chunk' || event.name === null || AGENT_EVENT.test(event.name))
            continue;
          // A stream that is taken up again begins later: from its first event on there is no gap.
          if (expected === 0 && typeof data['sequence_number'] === 'number') expected = data['sequence_number'];
          if (data['sequence_number'] !== expected)
            this.#fault(where, [`/sequence_number: ${String(data['sequence_number'])} where ${expected} was next`]);
          expected += 1;
        }
      },
    });
  }
}

/** Events of the Agents API, which have an id and no number. */
const AGENT_EVENT = /^agent\./;

/** Answered without a key, and without an id. */
const OPEN = /^\/(healthz|readyz|openapi\.json)?$/;

function errorFaults(status: number, body: Json): string[] {
  const error = body['error'];
  if (typeof error !== 'object' || error === null) return ['/error: is absent'];
  const { code, message, type, param } = error as Json;
  const faults: string[] = [];
  if (typeof code !== 'string' || !isErrorCode(code)) return [`/error/code: ${String(code)} is not in the catalogue`];
  if (typeof message !== 'string' || message === '') faults.push('/error/message: is absent');
  if (message?.toString().includes('    at ')) faults.push('/error/message: holds a stack');
  if (status === ERRORS[code].status && type !== ERRORS[code].type)
    faults.push(`/error/type: ${String(type)} for ${code}`);
  if (param !== null && typeof param !== 'string') faults.push('/error/param: neither a text nor null');
  return faults;
}

const SCHEMAS: { readonly [object: string]: Schema } = {
  ...AUTOMATION_OBJECTS,
  'agent.session': agentSessionSchema,
  'agent.session.deleted': agentSessionDeletedSchema,
  'agent.session.trace': agentTraceSchema,
  'agent.session.subagent': subagentSchema,
  'agent.session.turn': agentTurnSchema,
  ...ENVIRONMENT_OBJECTS,
  'chat.completion': chatCompletionSchema,
  'chat.completion.chunk': chatChunkSchema,
  agent: agentSchema,
  'agent.deleted': agentDeletedSchema,
  vault: vaultSchema,
  'vault.deleted': vaultDeletedSchema,
  'vault.credential': credentialSchema,
  'vault.credential.deleted': credentialDeletedSchema,
  conversation: conversationSchema,
  'response.input_tokens': inputTokensSchema,
  file: fileSchema,
};

/** Routes of ours, each with what it answers. A fixed word of a path goes before a name. */
const OWN = ROUTES.filter(isOurs)
  .map(({ method, path, answer }) => ({
    answer,
    names: path.match(/\{/g)?.length ?? 0,
    form: new RegExp(`^${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  }))
  .toSorted((a, b) => a.names - b.names);
const validators = new Map<string, ValidateFunction>();
let ajv: Ajv2020 | null = null;

/** Of an answer of a route of ours; null of other routes. */
function ownFaults(where: string, body: Json): string[] | null {
  if (!where.includes(' /perdure/v1/')) return null;
  const route = OWN.find(({ form }) => form.test(where));
  if (route === undefined) return ['/: no route of the document answers this'];
  const validate = validators.get(route.answer) ?? compiled(route.answer);
  validators.set(route.answer, validate);
  if (validate(body)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? ''}`);
}

function compiled(answer: string): ValidateFunction {
  ajv ??= new Ajv2020({ strict: false, logger: false }).addSchema({
    ...openapiDocument({ version: '0' }),
    $id: 'perdure',
  });
  return ajv.compile({ $ref: `perdure#/components/schemas/${answer}` });
}

function bodyFaults(body: Json): string[] {
  const kind = body['object'];
  if (kind === 'response') return validateResponse(body);
  if (kind === 'response.compaction') return validateCompaction(body);
  if (kind === 'list') return listFaults(body);
  if (typeof kind === 'string') {
    const schema = kind === 'file' && 'deleted' in body ? fileDeletedSchema : SCHEMAS[kind];
    if (schema !== undefined) return schemaFaults(schema, body);
    return /^(response|conversation)\.deleted$|^model$/.test(kind) ? [] : [`/object: ${kind} is not known`];
  }
  if ('openapi' in body) return [];
  if ('checks' in body) return schemaFaults(readySchema, body);
  if ('status' in body && !('type' in body)) return schemaFaults(healthSchema, body);
  return typeof body['turn_id'] === 'string' ? schemaFaults(agentItemSchema, body) : validateItem(body);
}

function listFaults(body: Json): string[] {
  const { data } = body;
  if (!Array.isArray(data)) return ['/data: is no list'];
  if (data.some(one => (one as Json)['object'] === 'model')) return [];
  const ends = ['has_more', ...('first_id' in body ? ['last_id'] : [])].filter(name => !(name in body));
  return [...ends.map(name => `/${name}: is absent`), ...data.flatMap((one: Json) => bodyFaults(one))];
}

function eventFaults({ name }: SentEvent, data: Json): string[] {
  if (data['object'] === 'chat.completion.chunk') return schemaFaults(chatChunkSchema, data);
  if (name === null) return errorFaults(0, data);
  const type = String(data['type']);
  if (AGENT_EVENT.test(type)) return schemaFaults(agentSessionEventSchema, data).map(error => `${type} ${error}`);
  const faults = name === type ? [] : [`event ${name} carries the type ${type}`];
  if (REASONING_TEXT.test(type)) return faults;
  const response = data['response'];
  return [
    ...faults,
    ...validateStreamEvent(data),
    ...(type.startsWith('response.') && typeof response === 'object' ? validateResponse(response) : []),
  ].map(error => `${type} ${error}`);
}

/** Steering is OpenAI's alone: as the client's types have it. */
function steerFaults(data: Json): string[] {
  const { id, previous_response_id: parent, input } = data['steer'] as Json;
  const faults = typeof parent === 'string' ? [] : ['/steer/previous_response_id: is no text'];
  if (data['type'] !== 'response.steer.failed') {
    if (!String(id).startsWith('steer_')) faults.push(`/steer/id: ${String(id)}`);
    if (data['type'] === 'response.steer.pending' && !Array.isArray(data['required_input']))
      faults.push('/required_input: is no list');
    return faults;
  }
  const { type, code, message } = data['error'] as Json;
  if (type !== 'invalid_request_error' || typeof code !== 'string' || typeof message !== 'string')
    faults.push('/error: is not the documented one');
  return input === undefined ? [...faults, '/steer/input: is absent'] : faults;
}

function schemaFaults(schema: Schema, value: unknown): string[] {
  const parsed = schema.safeParse(value);
  return (parsed.error?.issues ?? []).map(({ path, message }) => `/${path.join('/')}: ${message}`);
}
