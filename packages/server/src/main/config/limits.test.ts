/** Every bound of the configuration, from both sides. */
import { describe, expect, test } from 'vitest';
import { type Bound, CONFIG_BOUNDS, DEFAULT_LIMITS, SERVER_BOUNDS, UPSTREAM_BOUNDS } from './limits.ts';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';

const place = { vendor: 'o', model: 'm', cloud: 'c', region: 'r', base_url: 'http://a' };
const target = (more: object = {}): object => ({ id: 'a', ...place, ...more });

/** YAML reads JSON. */
function accepted(file: object): boolean {
  try {
    parseConfig(JSON.stringify({ targets: [target()], ...file }), { file: 'perdure.yaml', env: {}, base: '.' });
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

const bounds: readonly (readonly [string, Bound, (value: number) => object])[] = [
  ...Object.values<Bound>(SERVER_BOUNDS).map(
    bound => [bound.name, bound, (value: number) => ({ limits: { [bound.name]: value } })] as const,
  ),
  ...Object.values<Bound>(UPSTREAM_BOUNDS).map(
    bound =>
      [
        `upstream.${bound.name}`,
        bound,
        (value: number) => ({ limits: { upstream: { [bound.name]: value } } }),
      ] as const,
  ),
];

test.each(bounds)('limits.%s', (_, bound, file) => {
  expect(bound.min).toBeLessThanOrEqual(bound.default);
  expect(bound.default).toBeLessThanOrEqual(bound.max);
  for (const value of [bound.min, bound.default, bound.max]) expect(accepted(file(value)), String(value)).toBe(true);
  for (const value of [bound.min - 1, bound.max + 1, bound.min + 0.5])
    expect(accepted(file(value)), String(value)).toBe(false);
});

test('each limit goes to its own place', () => {
  for (const [name, bound] of Object.entries<Bound>(SERVER_BOUNDS)) {
    const value = bound.default === bound.max ? bound.min : bound.max;
    const text = JSON.stringify({ targets: [target()], limits: { [bound.name]: value } });
    const { limits } = parseConfig(text, { file: 'f', env: {}, base: '.' }).config;
    expect(limits).toEqual({ ...DEFAULT_LIMITS, [name]: value });
  }
  for (const [name, bound] of Object.entries<Bound>(UPSTREAM_BOUNDS)) {
    const text = JSON.stringify({ targets: [target()], limits: { upstream: { [bound.name]: bound.max } } });
    const { limits } = parseConfig(text, { file: 'f', env: {}, base: '.' }).config;
    expect(limits).toEqual({ ...DEFAULT_LIMITS, upstream: { ...DEFAULT_LIMITS.upstream, [name]: bound.max } });
  }
});

const many = (count: number, of: (i: number) => unknown): readonly unknown[] =>
  Array.from({ length: count }, (_, i) => of(i));
const hash = (i: number): string => i.toString(16).padStart(64, '0');

/** Tags have 20 bits: these ids are far enough apart. */
const home = (i: number): object => ({ id: `home-${i}`, cloud: 'c', region: 'r' });

describe('bounds of the file:', () => {
  const cases: readonly (readonly [string, number, (size: number) => object])[] = [
    ['homes', CONFIG_BOUNDS.homes, size => ({ homes: many(size, home) })],
    ['targets', CONFIG_BOUNDS.targets, size => ({ targets: many(size, i => target({ id: `t${i}` })) })],
    ['contracts', CONFIG_BOUNDS.contracts, size => ({ contracts: many(size, () => 'none') })],
    ['keys', CONFIG_BOUNDS.keys, size => ({ keys: many(size, i => ({ name: `k${i}`, hash: hash(i) })) })],
    ['channels', CONFIG_BOUNDS.offers, size => ({ channels: many(size, i => ({ id: `c${i}`, kind: 'direct' })) })],
    [
      'products',
      CONFIG_BOUNDS.offers,
      size => ({ products: many(size, i => ({ id: `p${i}`, vendor: 'v', kind: 'api' })) }),
    ],
    ['clearances', CONFIG_BOUNDS.words, size => ({ targets: [target({ clearances: many(size, i => `w${i}`) })] })],
    ['characters of a name', CONFIG_BOUNDS.nameChars, size => ({ targets: [target({ id: 'a'.repeat(size) })] })],
    ['characters of a model', CONFIG_BOUNDS.modelChars, size => ({ targets: [target({ model: 'a'.repeat(size) })] })],
    ['characters of a value', CONFIG_BOUNDS.valueChars, size => ({ targets: [target({ api_key: 'a'.repeat(size) })] })],
    ['price', CONFIG_BOUNDS.price, size => ({ targets: [target({ prices: { input: size, output: 0 } })] })],
    ['capacity', CONFIG_BOUNDS.capacity, size => ({ targets: [target({ capacity: size })] })],
    ['context', CONFIG_BOUNDS.contextTokens, size => ({ targets: [target({ context_tokens: size })] })],
    ['weight', CONFIG_BOUNDS.weight, size => ({ weights: { price: size } })],
    ['port', 65_535, size => ({ listen: { port: size } })],
    ['characters of a secret', 256, size => ({ keys: [{ name: 'k', secret: 'a'.repeat(size) }] })],
    ['characters of a home', 32, size => ({ homes: [{ id: 'a'.repeat(size), cloud: 'c', region: 'r' }] })],
  ];
  test.each(cases)('%s', (_, most, file) => {
    expect(accepted(file(most))).toBe(true);
    expect(accepted(file(most + 1))).toBe(false);
  });

  test('a secret has at least 16 characters, a list of targets an entry, a capacity 1', () => {
    expect(accepted({ keys: [{ name: 'k', secret: 'a'.repeat(16) }] })).toBe(true);
    expect(accepted({ keys: [{ name: 'k', secret: 'a'.repeat(15) }] })).toBe(false);
    expect(accepted({ targets: [] })).toBe(false);
    expect(accepted({ targets: [target({ capacity: 0 })] })).toBe(false);
    expect(accepted({ weights: { latency: -0.1 } })).toBe(false);
    expect(accepted({ weights: { latency: 0 } })).toBe(true);
  });

  test('aliases cannot blow a file up', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i++) lines.push(`a${i}: &a${i} [${many(10, () => `*a${i - 1}`).join(', ')}]`);
    expect(() => parseConfig(lines.join('\n'), { file: 'f', env: {}, base: '.' })).toThrow(/alias/i);
  });
});
