/** The parts of the suite that need no server. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Failed, must, same } from './check.ts';
import { schemaChecks } from './checks/schema.ts';
import { readCommand, UsageError } from './command.ts';
import { at, listAt, outputText, walk } from './json.ts';
import { chunksOf, rawChunks } from './raw-chunks.ts';
import { asHtml, asJson, asLine, asList, asSummary } from './report.ts';
import { chosen, groupOf, type Report, type Result, run, type RunOptions, Unreachable } from './run.ts';
import {
  envelopeFaults,
  eventFaults,
  isKnownEvent,
  itemFaults,
  NULLABLE,
  RESPONSE_PROPERTIES,
  responseFaults,
} from './schema.ts';
import { EventReader } from './sse.ts';
import { CHECKS } from './suite.ts';
import { Traffic } from './traffic.ts';

const here = dirname(fileURLToPath(import.meta.url));
const all = [...CHECKS, ...schemaChecks(new Traffic())];
const command = (...argv: string[]) => readCommand(argv, {});

test('the suite imports nothing of a server: only Node, ws, ajv and itself', () => {
  const files = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const text = readFileSync(join(here, file), 'utf8');
    const from = [...text.matchAll(/from '([^']+)'/g)].map(match => match[1] ?? '');
    const foreign = from.filter(
      name =>
        !/^(node:[a-z]+|ws|ajv\/dist\/2020\.js|ajv-formats)$/.test(name) &&
        !/^\.\.?\/[a-z-]+(\/[a-z-]+)?\.ts$/.test(name),
    );
    expect([file, foreign]).toEqual([file, []]);
  }
});

describe('the checks', () => {
  test('have names of their own, say what they ask and why, and are enough', () => {
    expect(all.length).toBeGreaterThan(120);
    expect(new Set(all.map(check => check.id)).size).toBe(all.length);
    for (const { id, asks, why } of all) {
      expect(id).toMatch(/^[a-z]+\.[a-z-]+$/);
      expect([id, asks.endsWith('.') && why.endsWith('.')]).toEqual([id, true]);
    }
  });

  test('are chosen by group and by name, and left out the same way', () => {
    const ids = (only: string[], skip: string[] = []) => chosen(all, { only, skip }).map(check => check.id);
    expect(ids([])).toHaveLength(all.length);
    expect(ids(['cancel']).every(id => groupOf(id) === 'cancel')).toBe(true);
    expect(ids(['cancel', 'chain.forks'], ['cancel.stream'])).toContain('chain.forks');
    expect(ids(['cancel'], ['cancel.stream'])).not.toContain('cancel.stream');
    expect(ids(['nothing'])).toEqual([]);
  });
});

describe('the command line', () => {
  test('is read', () => {
    expect(command('--base-url', 'http://a/v1/', '--model', 'm', '--only', 'a,b', '--emulator', 'no')).toMatchObject({
      options: {
        baseUrl: 'http://a/v1',
        model: 'm',
        only: ['a', 'b'],
        emulator: false,
        timeoutMs: 60_000,
        contextTokens: 0,
      },
      list: false,
      json: null,
    });
    expect(command('--help')).toBeNull();
    expect(
      readCommand(['--model', 'm'], { OPENAI_BASE_URL: 'https://b/v1', OPENAI_API_KEY: 'k' })?.options,
    ).toMatchObject({
      baseUrl: 'https://b/v1',
      key: 'k',
      emulator: null,
    });
    expect(command('--list')?.list).toBe(true);
  });

  test.each([
    [[]],
    [['--base-url', 'http://a']],
    [['--base-url', 'ftp://a', '--model', 'm']],
    [['--base-url', 'http://a', '--model', 'm', '--emulator', 'perhaps']],
    [['--base-url', 'http://a', '--model', 'm', '--timeout-ms', '0']],
    [['--base-url', 'http://a', '--model', 'm', '--timeout-ms', '600001']],
    [['--base-url', 'http://a', '--model', 'm', '--context-tokens', '200001']],
    [['--what']],
    [['http://a']],
  ])('%j is refused', argv => {
    expect(() => command(...argv)).toThrow(UsageError);
  });

  test('takes its bounds', () => {
    const most = command(
      '--base-url',
      'http://a',
      '--model',
      'm',
      '--timeout-ms',
      '600000',
      '--context-tokens',
      '200000',
    );
    expect(most?.options).toMatchObject({ timeoutMs: 600_000, contextTokens: 200_000 });
  });
});

describe('server-sent events', () => {
  test('are read in pieces, with their comments', () => {
    const reader = new EventReader();
    expect(reader.push('event: a\nda')).toEqual([]);
    expect(reader.push('ta: {"type":"a"}\n\n: still here\n\ndata: [DONE]\n\n')).toEqual([
      { name: 'a', id: null, text: '{"type":"a"}', json: { type: 'a' } },
      { name: null, id: null, text: '[DONE]', json: null },
    ]);
    reader.end();
    expect([reader.comments, reader.faults]).toEqual([1, []]);
  });

  test.each([
    ['a line that is none', 'hello\n\n', /no line/],
    ['data that is no JSON', 'event: a\ndata: {"a"\n\n', /no JSON object/],
    ['a name without data', 'event: a\n\n', /has no data/],
    ['an end in the middle', 'event: a\ndata: {}', /ends inside/],
  ])('%s is told', (_, text, fault) => {
    const reader = new EventReader();
    reader.push(text);
    reader.end();
    expect(reader.faults.join()).toMatch(fault);
  });
});

describe('the schema', () => {
  test('knows its 31 properties and which may be null', () => {
    expect(RESPONSE_PROPERTIES).toHaveLength(31);
    expect(NULLABLE.size).toBe(11);
    for (const name of NULLABLE) expect(RESPONSE_PROPERTIES).toContain(name);
  });

  test('judges events, items, responses and errors', () => {
    const delta = {
      type: 'response.output_text.delta',
      sequence_number: 1,
      output_index: 0,
      content_index: 0,
      item_id: 'a',
      delta: 'b',
      logprobs: [],
    };
    expect(eventFaults(delta)).toEqual([]);
    expect(eventFaults({ ...delta, delta: 7 })).not.toEqual([]);
    expect(eventFaults({ type: 'perdure.placed' })).toEqual(['/type: is no event that clients know']);
    expect(eventFaults({ type: 'response.custom_tool_call_input.delta' })).toEqual([]);
    expect([isKnownEvent('response.completed'), isKnownEvent('response.perdure')]).toEqual([true, false]);
    expect(responseFaults({ object: 'response' })).not.toEqual([]);
    expect(responseFaults(null)).toEqual(['/: is no object']);
    expect(itemFaults({ type: 'message' })).not.toEqual([]);
    expect(itemFaults({ type: 'custom_tool_call' })).toEqual([]);
    expect(envelopeFaults({ error: { message: 'a', type: 'b', code: null, param: null } })).toEqual([]);
    expect(envelopeFaults({ error: { message: '', type: 'b', code: 7 } })).toHaveLength(3);
    expect(envelopeFaults('text')).toEqual(['/error: is absent']);
  });
});

describe('what was sent', () => {
  const held = async (traffic: Traffic, id: string): Promise<string> => {
    const check = schemaChecks(traffic).find(one => one.id === id);
    return check === undefined ? 'no such check' : check.run({} as never).catch((error: unknown) => String(error));
  };

  test('is judged once all is seen', async () => {
    const traffic = new Traffic();
    expect(await held(traffic, 'schema.errors')).toMatch(/^Skipped/);
    const error = { message: 'No.', type: 'invalid_request_error', code: 'a', param: null };
    traffic.body('GET /a', 404, { error });
    expect(await held(traffic, 'schema.errors')).toBe('1 errors');
    expect(await held(traffic, 'schema.no-leaks')).toBe('1 errors');
    traffic.body('GET /b', 500, { detail: 'no' });
    expect(await held(traffic, 'schema.errors')).toMatch(
      /^Failed: 1 faults, the first: GET \/b -> 500 \/error: is absent/,
    );
  });

  test.each([
    'Error\n    at serve (/srv/a.js:10:5)',
    'TypeError: x is not a function',
    'cannot read /home/me/data/a.db',
    'SQLITE_BUSY',
  ])('shows the inside of a server: %s', async message => {
    const traffic = new Traffic();
    traffic.body('GET /a', 500, { error: { message, type: 'server_error', code: null, param: null } });
    expect(await held(traffic, 'schema.no-leaks')).toMatch(/^Failed/);
  });
});

describe('comparing', () => {
  test('is of values, key order aside', () => {
    expect(() => same({ a: 1, b: [2] }, { b: [2], a: 1 }, 'it')).not.toThrow();
    expect(() => same([1, 2], [2, 1], 'it')).toThrow('it is [1,2], not [2,1]');
    expect(() => same(undefined, null, 'it')).toThrow(Failed);
    expect(() => must(false, 'because')).toThrow('because');
  });

  test('reads JSON without trusting it', () => {
    expect(at({ a: [{ b: 1 }] }, 'a', 0, 'b')).toBe(1);
    expect(at({ a: 1 }, 'toString')).toBeUndefined();
    expect(listAt({ a: [1, {}, null] }, 'a')).toEqual([{}]);
    expect(outputText({ output: [{ type: 'message', content: [{ text: 'a' }, { text: 'b' }] }, { type: 'x' }] })).toBe(
      'ab',
    );
    expect([...walk({ a: [{ b: null }] })].map(([path]) => path)).toEqual(['/a', '/a/0', '/a/0/b']);
  });
});

describe('chunks of a transfer', () => {
  test('are told apart', async () => {
    expect(chunksOf(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na'))).toBeNull();
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';
    expect(chunksOf(Buffer.from(text))).toEqual(['abc', 'de']);
  });

  test('are read from a server as it made them', async () => {
    const server = createServer((_, res) => {
      res.write('one\n\n');
      setImmediate(() => res.end('two\n\n'));
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await rawChunks(`http://127.0.0.1:${port}/v1/responses`, 'k', '{}')).toEqual(['one\n\n', 'two\n\n']);
    server.close();
  });
});

describe('the report', () => {
  const result = (id: string, verdict: Result['verdict']): Result => ({
    id,
    group: groupOf(id),
    asks: 'It is <asked>.',
    why: 'Because.',
    verdict,
    seen: 'seen\nthis',
    ms: 7,
  });
  const report: Report = {
    baseUrl: 'http://a/v1',
    model: 'm',
    emulator: false,
    results: [
      result('a.one', 'pass'),
      result('a.two', 'fail'),
      result('b.one', 'not offered'),
      result('b.two', 'skipped'),
    ],
    counts: { pass: 1, fail: 1, skipped: 1, 'not offered': 1 },
    ms: 1_234,
  };

  test('is a line each, and for what failed what was asked, seen, and why', () => {
    expect(asLine(result('a.one', 'pass'), false)).toBe(`ok    a.one${' '.repeat(25)}      7 ms  seen this\n`);
    expect(asLine(result('a.two', 'fail'), false)).toMatch(
      /^FAIL {2}a\.two .*It is <asked>\.\n {6}seen: {2}seen this\n {6}why: {3}Because\.\n$/,
    );
    expect(asLine(result('a.one', 'pass'), true)).toContain('\u001B[32m');
  });

  test('ends with counts by group and all together', () => {
    expect(asSummary(report).split('\n')).toEqual([
      '',
      'group  pass  fail  skipped  not offered',
      'a         1     1        0            0',
      'b         0     0        1            1',
      '',
      'http://a/v1, model m: 1 passed, 1 failed, 1 skipped, 1 not offered, in 1.2 s',
      '',
    ]);
  });

  test('is JSON, a page and a list', () => {
    expect(JSON.parse(asJson(report))).toMatchObject({
      suite: 'perdure-conformance',
      counts: { fail: 1 },
      results: [{ id: 'a.one' }, {}, {}, {}],
    });
    expect(asHtml(report)).toContain('It is &lt;asked&gt;.');
    expect(asList(all)).toContain('  chain.forks ');
  });
});

test('a server that is not there is told as such', async () => {
  const options: RunOptions = {
    baseUrl: 'http://127.0.0.1:1/v1',
    key: '',
    otherKey: '',
    model: 'm',
    only: [],
    skip: [],
    emulator: null,
    contextTokens: 0,
    heartbeatMs: 0,
    timeoutMs: 5_000,
  };
  await expect(run(options)).rejects.toThrow(Unreachable);
});
