/** What is sent, and how it is drawn: requests made of right ones, bytes that are none, and frames of a WebSocket. */
import * as fc from 'fast-check';
import { MODEL } from '../support/stack.ts';
import { form, FORM_TYPE } from './form.ts';
import { change, changed, junk } from './junk.ts';
import type { Endpoint } from './routes.ts';

export type Input =
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly path: string;
      readonly headers: { readonly [name: string]: string };
      readonly body: Buffer | null;
    }
  /** Bytes on a connection, which is then closed from this side. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'frames'; readonly frames: readonly (string | Buffer)[] }
  /** Bytes after an upgrade that was right. */
  | { readonly kind: 'frame bytes'; readonly bytes: Buffer };

/** What exists when an input is sent, by the name of its parameter: so that requests reach further than the first look-up. */
export type Ids = { readonly [parameter: string]: string };

export interface Known {
  /** Names of ids that will be known. */
  readonly parameters: readonly string[];
  /** Keys that calls are made with, and that the deployment is run with; and others. */
  readonly keys: { readonly caller: string; readonly operator: string; readonly others: readonly string[] };
}

const SEGMENTS = [
  '%00',
  '%2e%2e%2f',
  '..%2f..',
  '%ff',
  '%',
  '%zz',
  '__proto__',
  'null',
  '-1',
  '%F0%9F%9A%80',
  '*',
  ';a=b',
  'a'.repeat(3_000),
  '%0d%0aX:%20y',
];
const VALUES = [
  '',
  '0',
  '-1',
  '1e9',
  '101',
  '99999999999999999999',
  'true',
  'null',
  '%00',
  '%',
  '%ff',
  'asc',
  'desc',
  '[]',
  '%E2%80%AE',
  'a'.repeat(3_000),
  'resp_1',
  '2026-01-01',
  '2026-13-45T99:99',
];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=latin1',
  'text/plain',
  'multipart/form-data',
  'multipart/form-data; boundary=a',
  'application/x-www-form-urlencoded',
  'application/json, text/plain',
  '',
  'a',
  'application/JSON',
  'application/problem+json',
];
const HEADERS = [
  'idempotency-key',
  'last-event-id',
  'perdure-labels',
  'perdure-label',
  'accept',
  'accept-encoding',
  'content-encoding',
  'openai-beta',
  'openai-organization',
  'origin',
  'expect',
  'x-forwarded-for',
  'x-http-method-override',
  'range',
  'if-none-match',
  'cookie',
  'x-request-id',
  'traceparent',
  'te',
  'upgrade-insecure-requests',
];

const headerText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '1',
    'a',
    'gzip',
    '100-continue',
    '*/*',
    'bytes=0-',
    'a,b;c',
    '"',
    '\u00ff',
    'x'.repeat(300),
    'x'.repeat(9_000),
  ),
  fc.string({ maxLength: 30 }).map(text => text.replaceAll(/[^\t\u0020-\u007e]/g, '')),
);
const headers: fc.Arbitrary<{ [name: string]: string }> = fc.dictionary(fc.constantFrom(...HEADERS), headerText, {
  maxKeys: 3,
});

type Pairs = readonly (readonly [name: string, value: string])[];
const written = (pairs: Pairs): string =>
  pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`;

const wild = (names: readonly string[]): fc.Arbitrary<Pairs> =>
  fc.array(
    fc.tuple(
      fc.constantFrom(...names, 'stream', 'limit', 'include[]', 'x', '', '__proto__', '%'),
      fc.constantFrom(...VALUES),
    ),
    { maxLength: 4 },
  );

/** Right names with right values, some of them left out; and sometimes one pair that is wrong. */
const careful = (values: Endpoint['values']): fc.Arbitrary<Pairs> => {
  const right = fc.record(
    Object.fromEntries(Object.entries(values).map(([name, good]) => [name, fc.constantFrom(...good.map(filled))])),
    { requiredKeys: [] },
  );
  const wrong = fc.tuple(fc.constantFrom(...Object.keys(values)), fc.constantFrom(...VALUES));
  return fc
    .tuple(right, fc.oneof(fc.constant(null), wrong))
    .map(([pairs, bad]) => [
      ...Object.entries(pairs).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
      ...(bad === null ? [] : [bad]),
    ]);
};

function query({ query: names, values }: Pick<Endpoint, 'query' | 'values'>): fc.Arbitrary<string> {
  const drawn =
    Object.keys(values).length === 0 ? wild(names) : fc.oneof(wild(names), careful(values), careful(values));
  return drawn.map(written);
}

/** The text of a body, damaged below the level of JSON. */
const damage: fc.Arbitrary<(text: string) => Buffer> = fc.oneof(
  { weight: 12, arbitrary: fc.constant((text: string) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc.nat(2_000).map(at => (text: string) => Buffer.from(text.slice(0, at % (text.length + 1)))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(2_000), fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([at, bytes]) => (text: string) => {
        const whole = Buffer.from(text);
        const from = at % (whole.length + 1);
        return Buffer.concat([whole.subarray(0, from), bytes, whole.subarray(from)]);
      }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('utf16le' as const, 'latin1' as const)
      .map(as => (text: string) => Buffer.from(text, as)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map(bytes => () => Buffer.from(bytes)) },
  { weight: 1, arbitrary: junk.map(text => () => Buffer.from(text)) },
);

/** An id stands in an input by its name until it is sent: what it names may be deleted by an input before. */
const placeFor = (name: string): string => `~${name}~`;
const filled = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => placeFor(name));

export function resolved(input: Input, ids: Ids): Input {
  const named = (text: string): string => text.replaceAll(/~(\w+)~/g, (all, name: string) => ids[name] ?? all);
  const inBytes = (bytes: Buffer): Buffer => Buffer.from(named(bytes.toString('latin1')), 'latin1');
  switch (input.kind) {
    case 'request':
      return { ...input, path: named(input.path), body: input.body === null ? null : inBytes(input.body) };
    case 'frames':
      return { ...input, frames: input.frames.map(frame => (typeof frame === 'string' ? named(frame) : frame)) };
    default:
      return input;
  }
}

function request(endpoint: Endpoint, { parameters, keys }: Known): fc.Arbitrary<Input> {
  const segment = fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(...SEGMENTS) },
  );
  const bodies = endpoint.bodies.length === 0 ? [null] : endpoint.bodies;
  return fc
    .record({
      method: fc.oneof(
        { weight: 20, arbitrary: fc.constant(endpoint.method) },
        { weight: 1, arbitrary: fc.constantFrom('PUT', 'PATCH', 'HEAD', 'OPTIONS', 'POST', 'GET', 'DELETE') },
      ),
      running: fc.boolean(),
      segments: fc.array(segment, { minLength: 2, maxLength: 2 }),
      query: fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 1, arbitrary: query(endpoint) }),
      body: fc.constantFrom(...bodies),
      changes: fc.array(change, { maxLength: 3 }),
      damage,
      // Much text, and drawn where it is needed only.
      form: endpoint.isForm ? form : fc.constant(''),
      type: fc.oneof(
        { weight: 15, arbitrary: fc.constant(endpoint.isForm ? FORM_TYPE : 'application/json') },
        { weight: 1, arbitrary: fc.constantFrom(...TYPES) },
      ),
      headers: fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers }),
      key: fc.oneof(
        { weight: 24, arbitrary: fc.constant(endpoint.path.startsWith('/v1/') ? keys.caller : keys.operator) },
        { weight: 3, arbitrary: fc.constantFrom(...keys.others) },
        { weight: 1, arbitrary: headerText },
      ),
    })
    .map((drawn): Input => {
      let index = 0;
      const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
        const known = name === 'response_id' && drawn.running ? 'running_id' : name;
        return drawn.segments[index++] ?? (parameters.includes(known) ? placeFor(known) : 'none');
      });
      const json = (): string => filled(changed(drawn.body, drawn.changes));
      const text = endpoint.isForm ? drawn.form : endpoint.isText ? 'text' : json();
      return {
        kind: 'request',
        method: drawn.method,
        path: `${path}${drawn.query}`,
        headers: {
          ...drawn.headers,
          authorization: `Bearer ${drawn.key}`,
          ...(drawn.body !== null && { 'content-type': drawn.type }),
        },
        body: drawn.body === null ? null : drawn.damage(text),
      };
    });
}

/** Requests as only a careless or hostile client writes them. */
function bytes({ keys }: Known): fc.Arbitrary<Input> {
  const line = fc.constantFrom(
    'POST /v1/responses HTTP/1.1',
    'GET / HTTP/1.1',
    'GET /v1/models HTTP/1.0',
    'FOO / HTTP/1.1',
    'GET http://a/ HTTP/1.1',
    'GET /v1/models HTTP/9.9',
    'CONNECT a:1 HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'POST  /v1/responses  HTTP/1.1',
    '',
  );
  const header = fc.oneof(
    fc.constantFrom(
      'host: 127.0.0.1',
      'host: a',
      'content-length: 5',
      'content-length: -1',
      'content-length: 5\r\ncontent-length: 6',
      'transfer-encoding: chunked',
      'transfer-encoding: chunked, gzip',
      'connection: upgrade\r\nupgrade: websocket',
      'connection: close',
      'upgrade: h2c',
      'expect: 100-continue',
      'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
      'a',
      ': b',
      'a\u0000: b',
      `authorization: Bearer ${keys.caller}`,
      'content-type: application/json',
      `x: ${'y'.repeat(20_000)}`,
    ),
    fc.string({ maxLength: 40 }),
  );
  const body = fc.oneof(
    fc.constantFrom(
      '',
      '5\r\nhello\r\n0\r\n\r\n',
      'zz\r\n',
      '{"a":1}',
      'ffffffffffffffff\r\n',
      '5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n',
    ),
    fc.string({ maxLength: 60 }),
  );
  return fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((raw): Input => ({ kind: 'bytes', bytes: Buffer.from(raw) })),
    fc.record({ line, lines: fc.array(header, { maxLength: 6 }), body }).map(
      ({ line: first, lines, body: rest }): Input => ({
        kind: 'bytes',
        bytes: Buffer.from(`${[first, ...lines].join('\r\n')}\r\n\r\n${rest}`, 'latin1'),
      }),
    ),
  );
}

const FRAMES: readonly unknown[] = [
  { type: 'response.create', model: MODEL, input: 'Hello.', store: false },
  { type: 'response.create', model: MODEL, input: 'Hello.', stream: true, generate: false },
  { type: 'response.create', model: MODEL, input: 'Hello.', previous_response_id: '{response_id}', stream_id: 'a' },
  { type: 'response.create', model: MODEL, input: 'Hello.', conversation: '{conversation_id}', background: false },
  { type: 'response.create', model: MODEL, input: 'Hello.', background: true },
  { type: 'response.steer', response_id: '{response_id}', input: [{ role: 'user', content: 'Stop.' }] },
  { type: 'response.steer', response_id: '{running_id}', input: [{ role: 'user', content: 'Stop.' }] },
  { type: 'response.cancel', response_id: '{response_id}' },
  { type: 'response.cancel', response_id: '{running_id}' },
  { type: 'ping' },
];

function frames(): fc.Arbitrary<Input> {
  const frame: fc.Arbitrary<string | Buffer> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.constantFrom(...FRAMES), fc.array(change, { maxLength: 3 }))
        .map(([body, changes]) => filled(changed(body, changes))),
    },
    { weight: 1, arbitrary: junk },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map(raw => Buffer.from(raw)) },
  );
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.array(frame, { minLength: 1, maxLength: 3 }).map((all): Input => ({ kind: 'frames', frames: all })),
    },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ minLength: 1, maxLength: 200 })
        .map((raw): Input => ({ kind: 'frame bytes', bytes: Buffer.from(raw) })),
    },
  );
}

/** @param sockets whether the server has WebSockets */
export function inputs(endpoints: readonly Endpoint[], known: Known, sockets: boolean): fc.Arbitrary<Input> {
  const hot = endpoints.filter(one => one.bodies.length > 1 || one.isForm || one.path.endsWith('/cancel'));
  const requests = (of: readonly Endpoint[]): fc.Arbitrary<Input> => fc.oneof(...of.map(one => request(one, known)));
  return fc.oneof(
    { weight: 8, arbitrary: requests(hot) },
    { weight: 8, arbitrary: requests(endpoints) },
    { weight: 2, arbitrary: bytes(known) },
    ...(sockets ? [{ weight: 3, arbitrary: frames() }] : []),
  );
}

/** How a person does it again. */
export function repro(input: Input, url: string): string {
  switch (input.kind) {
    case 'request': {
      const { method, path, headers: given, body } = input;
      const lines = Object.entries(given).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
      const data = body === null ? [] : ['--data-binary @-'];
      const curl = ['curl -si --path-as-is -g', `-X ${method}`, ...lines, ...data, quoted(`${url}${path}`)].join(' ');
      return body === null ? curl : `echo ${body.toString('base64')} | base64 -d | ${curl}`;
    }
    case 'bytes':
      return `echo ${input.bytes.toString('base64')} | base64 -d | nc -N ${new URL(url).host.replace(':', ' ')}`;
    case 'frames':
      return `over a WebSocket, in base64: ${input.frames.map(frame => Buffer.from(frame).toString('base64')).join(' ')}`;
    case 'frame bytes':
      return `after an upgrade, in base64: ${input.bytes.toString('base64')}`;
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
