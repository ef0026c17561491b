/** A short run of the fuzzer, and that it notices what it is there for. */
import { describe, expect, test } from 'vitest';
import { startStack } from '../support/stack.ts';
import { EXIT, readCommand, UsageError } from './command.ts';
import { fuzz, type FuzzOptions } from './harness.ts';
import { changed } from './junk.ts';
import { breach } from './law.ts';
import { endpointsOf } from './routes.ts';
import { type Answer, answersOf, type Outcome } from './send.ts';

const options: FuzzOptions = {
  runs: 3_000,
  seed: 20_260_424,
  senders: 16,
  minutes: 0,
  deadlineMs: 60_000,
  progress: () => undefined,
};
const outcome = (over: Partial<Answer>, broken: string | null = null): Outcome => ({
  answers: [{ method: 'GET', status: 200, type: 'application/json', body: '{}', ...over }],
  frames: [],
  broken,
});
const envelope = (code: string, type = 'invalid_request_error'): string =>
  JSON.stringify({ error: { message: 'No.', type, code, param: null } });

test('three thousand inputs break nothing', async () => {
  const report = await fuzz(options);
  expect(report.failures).toEqual([]);
  expect(report.runs).toBe(options.runs);
  expect(report.endpoints).toBeGreaterThan(50);
  // Most is refused, and some of it goes far.
  expect(report.outcomes['200']).toBeGreaterThan(100);
  expect(report.outcomes['400 invalid_request']).toBeGreaterThan(100);
  expect(Object.keys(report.outcomes).length).toBeGreaterThan(15);
}, 600_000);

test('what was written by hand for explain, reports and the audit is taken as it stands', async () => {
  const stack = await startStack({ clouds: ['aws'] });
  try {
    const send = async (method: string, address: string, body?: unknown): Promise<number> => {
      const json = body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      };
      return (await fetch(stack.url + address, { method, ...json })).status;
    };
    const endpoints = await endpointsOf(stack.url);
    const byHand = endpoints.filter(({ values }) => Object.keys(values).length > 0);
    expect(byHand).toHaveLength(6);
    for (const { method, path, query, values } of byHand)
      for (const [name, all] of Object.entries(values)) {
        expect([path, query.includes(name)]).toEqual([path, true]);
        for (const value of all)
          expect([path, name, value, await send(method, `${path}?${name}=${value}`)]).toEqual([path, name, value, 200]);
      }
    const explain = endpoints.find(({ method, path }) => method === 'POST' && path === '/perdure/v1/explain');
    expect(explain?.bodies.length).toBeGreaterThan(5);
    for (const body of explain?.bodies ?? [])
      expect([body, await send('POST', '/perdure/v1/explain', body)]).toEqual([body, 200]);
  } finally {
    await stack.close();
  }
}, 60_000);

test('what breaks the law is found, and shrunk to one input that does it again', async () => {
  const spoil = (came: Outcome): Outcome =>
    came.answers[0]?.body.includes('invalid_json') === true
      ? outcome({ status: 500, body: envelope('internal_error', 'server_error') })
      : came;
  const report = await fuzz({ ...options, runs: 300, senders: 2, seen: spoil });
  expect(report.failures.length).toBeGreaterThan(0);
  expect(report.failures[0]?.what).toMatch(/^a failure of the server: 500/);
  expect(report.failures[0]?.repro).toMatch(/curl -si .*http:\/\/127\.0\.0\.1:\d+\//);
}, 120_000);

describe('the law', () => {
  test.each([
    ['a good answer', outcome({}), null],
    ['a documented error', outcome({ status: 400, body: envelope('invalid_request') }), null],
    ['what the model refused', outcome({ status: 400, body: envelope('upstream_invalid_request') }), null],
    ['an answer to HEAD', outcome({ method: 'HEAD', status: 404, body: '' }), null],
    ['a hang', outcome({}, 'no end within 1 ms'), 'no end within 1 ms'],
    [
      'a failure',
      outcome({ status: 500, body: envelope('internal_error', 'server_error') }),
      'a failure of the server',
    ],
    ['a failure told to HEAD', outcome({ method: 'HEAD', status: 500, body: '' }), 'a failure of the server'],
    ['no envelope', outcome({ status: 400, body: '{"detail":"no"}' }), 'an error without the envelope'],
    ['no body', outcome({ status: 417, body: '' }), 'an error without the envelope'],
    ['a page', outcome({ status: 404, type: 'text/html', body: '<h1>404</h1>' }), "an error of type 'text/html'"],
    ['an unknown code', outcome({ status: 400, body: envelope('oops') }), 'a code that is not in the catalogue, oops'],
    [
      'a wrong type',
      outcome({ status: 400, body: envelope('invalid_request', 'server_error') }),
      'the type server_error',
    ],
    [
      'a bad frame',
      {
        answers: [],
        frames: ['{"type":"error","status":500,"error":{"code":"internal_error","message":"x"}}'],
        broken: null,
      },
      'a param',
    ],
  ] as const)('on %s', (_, seen, expected) => {
    if (expected === null) expect(breach(seen)).toBeNull();
    else expect(breach(seen)).toContain(expected);
  });
});

test('a body is changed as text, so that it can be what no JSON is', () => {
  const body = { a: [1, { b: 'x' }], c: null };
  expect(changed(body, [])).toBe('{"a":[1,{"b":"x"}],"c":null}');
  expect(changed(body, [{ kind: 'replace', pick: 0, with: '1e999' }])).toBe('1e999');
  expect(changed(body, [{ kind: 'replace', pick: 4, with: '"\\ud800"' }])).toBe('{"a":[1,{"b":"\\ud800"}],"c":null}');
  expect(changed(body, [{ kind: 'remove', pick: 1, with: '' }])).toBe('{"c":null}');
  expect(changed(body, [{ kind: 'nest', pick: 1, with: '' }])).toBe('{"a":[[1,{"b":"x"}]],"c":null}');
  expect(changed(body, [{ kind: 'add', pick: 0, name: '__proto__', with: '{}' }])).toBe(
    '{"a":[1,{"b":"x"}],"c":null,"__proto__":{}}',
  );
  expect(changed(body, [{ kind: 'double', pick: 5, name: '', with: '2' }])).toBe('{"a":[1,{"b":"x"}],"c":null,"c":2}');
});

test('answers are found in what a connection brought, one after the other', () => {
  const text = 'HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 400 Bad Request\r\n\r\n';
  expect(answersOf(text).map(({ status, type, body }) => [status, type, body])).toEqual([
    [200, 'a/b', 'ok'],
    [400, '', ''],
  ]);
});

test('the command line', () => {
  expect(readCommand(['--runs', '5', '--seed', '7'], 1)?.options).toMatchObject({
    runs: 5,
    seed: 7,
    senders: 24,
    minutes: 0,
  });
  expect(readCommand([], 3)?.options).toMatchObject({ runs: 100_000, seed: 3 });
  expect(readCommand(['--help'], 1)).toBeNull();
  for (const argv of [['--runs', '0'], ['--senders', '65'], ['--runs'], ['--what'], ['x']])
    expect(() => readCommand(argv, 1), argv.join(' ')).toThrow(UsageError);
  expect(readCommand(['--senders', '64'], 1)?.options.senders).toBe(64);
  expect(EXIT).toEqual({ ok: 0, broken: 1, usage: 2 });
});
