import { expect, test } from 'vitest';
import { parseConfig } from './load.ts';
import { problemOf } from './problem.test-support.ts';

const target = { id: 'a', vendor: 'o', model: 'm', cloud: 'c', region: 'r', base_url: 'http://a' };
const URL_ = 'https://collector.example:4318/v1/traces';

function read(more: object) {
  return parseConfig(JSON.stringify({ targets: [target], ...more }), { file: 'perdure.yaml', env: {}, base: '.' })
    .config;
}

/** Null if it is taken. */
const problem = (more: object): string | null => problemOf(() => read(more));
const otlp = (over: object) => problem({ traces: { otlp: { url: URL_, ...over } } });

test('left out, traces hold no content and go nowhere, and no signature is accepted', () => {
  expect(read({}).traces).toEqual({ content: false, otlp: null });
  expect(read({ traces: {} }).traces).toEqual({ content: false, otlp: null });
  expect(read({}).sigv4).toEqual({ regions: [], sessionTokens: false });
});

test('what is given holds, the rest has its default', () => {
  const given = { url: URL_, headers: { authorization: 'Bearer x' } };
  expect(read({ traces: { content: true, otlp: given } }).traces).toEqual({
    content: true,
    otlp: { ...given, intervalMs: 1000, timeoutMs: 10_000, retryMs: 1000 },
  });
  expect(read({ sigv4: { regions: ['us-east-1'], session_tokens: true } }).sigv4).toEqual({
    regions: ['us-east-1'],
    sessionTokens: true,
  });
});

test.each([
  ['interval_ms', 50, 3_600_000],
  ['timeout_ms', 50, 300_000],
  ['retry_ms', 10, 60_000],
])('%s is from %i to %i', (name, least, most) => {
  for (const good of [least, most]) expect(otlp({ [name]: good })).toBeNull();
  for (const bad of [least - 1, most + 1]) expect(otlp({ [name]: bad })).toContain(name);
});

test.each([
  ['nowhere', 'is no URL'],
  ['ftp://collector', 'must begin with http:// or https://'],
  ['https://user:pass@collector', 'must not hold credentials: use headers'],
  ['https://collector/#a', 'must not have a fragment (#)'],
])('no address of a receiver: %s', (url, why) => {
  expect(otlp({ url })).toContain(why);
});

test('headers: few, well named, and none that the exporter says itself', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'v']));
  expect(otlp({ headers: many(32) })).toBeNull();
  expect(otlp({ headers: many(33) })).toContain('at most 32');
  expect(otlp({ headers: { 'x-a': 'v'.repeat(4096) } })).toBeNull();
  for (const headers of [
    { 'X-A': 'v' },
    { 'content-type': 'v' },
    { 'x a': 'v' },
    { 'x-a': 'a\nb' },
    { 'x-a': 'v'.repeat(4097) },
  ])
    expect(otlp({ headers }), JSON.stringify(headers).slice(0, 40)).toContain('headers');
});

test('regions: at least one, at most 64, each a region', () => {
  const regions = (count: number) => problem({ sigv4: { regions: Array.from({ length: count }, (_, i) => `r-${i}`) } });
  expect([regions(1), regions(64)]).toEqual([null, null]);
  for (const count of [0, 65]) expect(regions(count)).toContain('regions');
  for (const bad of ['', 'US', 'us east', '-us', 'a'.repeat(65)])
    expect(problem({ sigv4: { regions: [bad] } }), bad).toContain('regions');
});
