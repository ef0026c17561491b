import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { homeTag as tagOf } from '../../kernel/ids.ts';
import type { Config } from './config.ts';
import { saleOf } from './config.ts';
import type { Environment } from './interpolate.ts';
import { CONFIG_BOUNDS, DEFAULT_LIMITS } from './limits.ts';
import { loadConfig, parseConfig } from './load.ts';
import { ConfigError, problemLine } from './problem.ts';

const base = tmpdir();
const parse = (text: string, env: Environment = {}): Config =>
  parseConfig(text, { file: 'perdure.yaml', env, base }).config;

/** What each problem says; fails if there is none. */
function errors(text: string, env: Environment = {}): readonly string[] {
  try {
    parse(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(problemLine);
    throw error;
  }
  throw new Error('this configuration was accepted');
}

/** `file:line:column` of a word. */
function where(text: string, line: number, word: string): string {
  return `perdure.yaml:${line}:${(text.split('\n')[line - 1] ?? '').indexOf(word) + 1}`;
}

const target = (more = ''): string =>
  `targets:\n  - {id: a, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "https://a.example/v1"${more}}\n`;

describe('defaults', () => {
  test('only targets must be given', () => {
    const config = parse(target());
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 4180 },
      data: join(base, 'data'),
      reading: null,
      asOf: null,
      onAmbiguity: 'flag',
      enforce: true,
      keys: [],
    });
    expect(config.homes).toEqual([
      {
        id: 'local',
        cloud: 'local',
        region: 'local',
        jurisdiction: 'unspecified',
        sovereignty: 'commercial',
        clearances: [],
        store: 'sqlite',
      },
    ]);
    expect(config.contracts).toHaveLength(1);
    expect(config.contracts[0]).toMatch(/none$/);
    expect(config.limits).toEqual(DEFAULT_LIMITS);
    expect(config.targets[0]).toMatchObject({
      upstreamModel: 'gpt',
      dialect: 'openai-responses',
      jurisdiction: 'unspecified',
      sovereignty: 'commercial',
      apiKey: null,
      priceBook: [],
      capacity: null,
      capabilities: null,
      contextTokens: null,
      accelerator: null,
      emulated: false,
    });
  });

  test('what is written wins, and what is left empty is a default', () => {
    const config = parse(
      `${target(', upstream_model: m-emulated, capacity: 4')}listen: {host: "::1", port: 0}\nenforce: false\nreading:\ndata: /srv/p\n`,
    );
    expect(config.listen).toEqual({ host: '::1', port: 0, said: 'perdure.yaml:3:10' });
    expect(config).toMatchObject({ enforce: false, reading: null, data: '/srv/p' });
    expect(config.targets[0]).toMatchObject({ upstreamModel: 'm-emulated', emulated: true, capacity: 4 });
  });

  test('channels and products are there, and can be replaced', () => {
    const config = parse(
      `${target()}channels: [{id: bedrock, seller: acme, kind: third-party}]\nproducts: [{id: own, vendor: acme, kind: runtime}]\n`,
    );
    expect(saleOf(config, 'frontier', 'bedrock')).toEqual({
      product: { id: 'frontier', vendor: 'openai', kind: 'runtime' },
      channel: { id: 'bedrock', seller: 'acme', kind: 'third-party' },
    });
    // Sold direct: by whoever made it.
    expect(saleOf(config, 'own', 'direct')?.channel.seller).toBe('acme');
    expect(saleOf(config, 'api', 'direct')?.channel.seller).toBe('openai');
    expect(saleOf(config, 'nothing', 'direct')).toBeNull();
    expect(saleOf(config, 'api', 'nobody')).toBeNull();
  });
});

describe('values', () => {
  test('prices become whole micro-dollars per million tokens', () => {
    const [one] = parse(target(', prices: {input: 0.1, cached_input: 0.000001, output: 2.5}')).targets;
    const prices = { input: 100_000, cached: 1, written: 100_000, output: 2_500_000, reasoning: 2_500_000 };
    expect(one?.priceBook).toEqual([{ from: null, prices }]);
    // In binary 1.001 times a million is a little less than it is.
    expect(parse(target(', prices: {input: 1.001, output: 0}')).targets[0]?.priceBook[0]?.prices.input).toBe(1_001_000);
    expect(parse(target(', prices: {input: 3, output: 4}')).targets[0]?.priceBook[0]?.prices.cached).toBe(3_000_000);
    expect(errors(target(', prices: {input: 0.0000001, output: 1}'))).toEqual([
      expect.stringContaining('targets[0].prices.input: has more than six decimals'),
    ]);
    expect(errors(target(', prices: {input: -1, output: 1}'))).toEqual([expect.stringContaining('must be at least 0')]);
  });

  test('recorded events and offers, dated in UTC', () => {
    const config = parse(`${target()}events:
  - {id: agi-verified, date: 2026-03-20, source: a panel}
first_refusals:
  - {id: azure-first, offered: 2026-05-01, deadline: 2026-05-10, source: a letter}
  - {id: azure-first, product: api, offered: 2026-06-01, deadline: 2026-06-10, declined: 2026-06-02, source: a letter}
`);
    expect(config.events).toEqual([{ id: 'agi-verified', date: '2026-03-20', source: 'a panel' }]);
    expect(config.firstRefusals).toEqual([
      {
        id: 'azure-first',
        product: null,
        offered: '2026-05-01',
        deadline: '2026-05-10',
        answer: null,
        source: 'a letter',
      },
      {
        id: 'azure-first',
        product: 'api',
        offered: '2026-06-01',
        deadline: '2026-06-10',
        answer: { kind: 'declined', date: '2026-06-02' },
        source: 'a letter',
      },
    ]);
    expect(parse(target())).toMatchObject({ events: [], firstRefusals: [] });
  });

  test.each([
    ['events: [{id: agi-verified, date: 2026-02-30, source: x}]', 'events[0].date: must be a day'],
    ['events: [{id: AGI, date: 2026-02-20, source: x}]', 'events[0].id: an id is at most 64'],
    ['events: [{id: agi-verified, date: 2026-02-20}]', 'events[0].source:'],
    [
      'first_refusals: [{id: a, offered: 2026-05-01, deadline: 2026-04-30, source: x}]',
      'first_refusals[0]: a has a deadline before its offer',
    ],
    [
      'first_refusals: [{id: a, offered: 2026-05-01, deadline: 2026-05-02, accepted: 2026-05-03, source: x}]',
      'first_refusals[0]: a is answered after its deadline',
    ],
    [
      'first_refusals: [{id: a, offered: 2026-05-01, deadline: 2026-05-02, accepted: 2026-05-01, declined: 2026-05-01, source: x}]',
      'first_refusals[0]: is both accepted and declined',
    ],
  ])('%s', (line, message) => {
    expect(errors(`${target()}${line}\n`).join('\n')).toContain(message);
  });

  test('days are UTC', () => {
    expect(parse(`${target()}as_of: 2026-03-20\n`).asOf).toEqual({ text: '2026-03-20', ms: Date.UTC(2026, 2, 20) });
    expect(parse(`${target()}as_of: 2026-03-20T12:00:00Z\n`).asOf?.ms).toBe(Date.UTC(2026, 2, 20, 12));
    expect(errors(`${target()}as_of: 2026-02-30\n`)).toEqual([
      expect.stringContaining('perdure.yaml:3:1: error: as_of: must be a day'),
    ]);
  });

  test('a base URL is http(s), without credentials', () => {
    for (const [url, message] of [
      ['ftp://a.example', 'must begin with http:// or https://'],
      ['nonsense', 'is no URL'],
      ['https://me:secret@a.example', 'must not hold credentials'],
      ['https://a.example/#x', 'fragment'],
    ] as const) {
      const text = `targets: [{id: a, vendor: o, model: m, cloud: c, region: r, base_url: "${url}"}]\n`;
      const [only, ...rest] = errors(text);
      expect(rest).toEqual([]);
      expect(only).toContain(message);
      expect(only).not.toContain('secret');
    }
  });

  test('a shipped contract goes by its name, a folder by its path', () => {
    expect(parse(`${target()}contracts: [openai-2026-02]\n`).contracts[0]).toMatch(/openai-2026-02$/);
    expect(errors(`${target()}contracts: [none, nowhere]\n`)).toEqual([
      expect.stringMatching(/^perdure\.yaml:3:19: error: contracts\[1\]: no contract at/),
    ]);
  });
});

describe('errors', () => {
  test('all of them at once, in order, each with its line and what was meant', () => {
    const text = [
      'lisen: {port: 1}',
      'targets:',
      '  - id: a',
      '    vendor: openai',
      '    modle: gpt',
      '    cloud: azure',
      '    region: eastus2',
      '    base_url: https://a.example/v1',
      '    dialect: openai-respones',
      '  - {id: a, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "https://a.example", capacity: lots}',
      'limits: {request_ms: 1, upstream: {idl_ms: 5}}',
      'keys: [{name: k, product: frontierr, hash: "abc"}]',
    ].join('\n');
    expect(errors(text)).toEqual([
      'perdure.yaml:1:1: error: lisen: is not known here (did you mean listen?)',
      'perdure.yaml:3:5: error: targets[0].model: is required',
      'perdure.yaml:5:5: error: targets[0].modle: is not known here (did you mean model?)',
      'perdure.yaml:9:5: error: targets[0].dialect: must be one of openai-responses, openai-chat (did you mean openai-responses?)',
      'perdure.yaml:10:6: error: targets[1].id: a is given twice',
      `${where(text, 10, 'capacity')}: error: targets[1].capacity: must be a number, not text`,
      'perdure.yaml:11:10: error: limits.request_ms: must be at least 1000',
      'perdure.yaml:11:36: error: limits.upstream.idl_ms: is not known here (did you mean idle_ms?)',
      'perdure.yaml:12:18: error: keys[0].product: there is no product frontierr (did you mean frontier?)',
      'perdure.yaml:12:38: error: keys[0].hash: must be 64 lower-case hexadecimal digits: the SHA-256 of the key',
    ]);
  });

  test.each([
    ['nothing', '', 'perdure.yaml:1:1: error: targets: is required'],
    ['broken YAML', 'targets: [', 'perdure.yaml:1:'],
    ['a key twice', `${target()}enforce: true\nenforce: false\n`, 'perdure.yaml:4:1: error: Map keys must be unique'],
    ['a list instead of a map', '- a\n', 'must be a map of keys, not a list'],
    ['no target', 'targets: []\n', 'targets: must have at least 1 entry'],
    ['a fraction', `${target()}listen: {port: 1.5}\n`, 'listen.port: must be a whole number, not a fraction'],
    ['a wrong kind', `${target()}enforce: perhaps\n`, 'enforce: must be true or false, not text'],
    [
      'another store',
      `${target()}homes: [{id: h, cloud: c, region: r, store: "postgres://x"}]\n`,
      'homes[0].store: must be sqlite',
    ],
    [
      'a home that names no file',
      `${target()}homes: [{id: "../h", cloud: c, region: r}]\n`,
      'homes[0].id: must begin with a lower-case letter',
    ],
    [
      'a reserved home',
      `${target()}homes: [{id: con, cloud: c, region: r}]\n`,
      'homes[0].id: is a name that some systems reserve',
    ],
    [
      'a home named as a target',
      `${target()}homes: [{id: a, cloud: c, region: r}]\n`,
      'targets[0].id: a is the name of a home too',
    ],
    [
      'a target named as the default home',
      target().replace('id: a', 'id: local'),
      'targets[0].id: local is the name of a home too',
    ],
    ['a key without hash and secret', `${target()}keys: [{name: k}]\n`, 'keys[0]: needs one of hash and secret'],
    [
      'an unknown channel',
      `${target()}keys: [{name: k, hash: ${'a'.repeat(64)}, channel: bedrok}]\n`,
      'did you mean bedrock?',
    ],
    [
      'one key twice',
      `${target()}keys: [{name: k, hash: ${'a'.repeat(64)}}, {name: l, hash: ${'a'.repeat(64)}}]\n`,
      'keys[1].hash: is that of another key too',
    ],
  ])('%s', (_, text, line) => {
    const found = errors(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(line);
  });

  test('homes whose ids could not be told apart', () => {
    // Found by search: both tags are the same 20 bits.
    const [first, second] = twoHomesWithOneTag();
    const text = `${target()}homes: [{id: ${first}, cloud: c, region: r}, {id: ${second}, cloud: c, region: r}]\n`;
    expect(errors(text)).toEqual([expect.stringContaining(`ids could not tell ${second} and ${first} apart`)]);
  });

  test('a file that is not there, and one that is too large', () => {
    const folder = mkdtempSync(join(tmpdir(), 'perdure-config-'));
    try {
      const file = join(folder, 'perdure.yaml');
      expect(() => loadConfig(file, {}, 'p.yaml')).toThrow('p.yaml: error: does not exist');
      const room = CONFIG_BOUNDS.fileBytes - target().length;
      writeFileSync(file, `${target()}#${'x'.repeat(room - 1)}`);
      expect(loadConfig(file, {}).config.targets).toHaveLength(1);
      writeFileSync(file, `${target()}#${'x'.repeat(room)}`);
      expect(() => loadConfig(file, {})).toThrow(/has 1048577 bytes; a configuration may have 1048576/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the environment', () => {
  test('is put into values', () => {
    const text = `${target(', api_key: "${KEY}"')}listen: {port: "\${PORT:-99}"}\nenforce: \${ENFORCE}\n`;
    const config = parse(text, { KEY: '12345', ENFORCE: 'false' });
    expect(config.targets[0]?.apiKey).toBe('12345');
    expect(config.listen.port).toBe(99);
    expect(config.enforce).toBe(false);
    expect(parse(text, { KEY: 'k', ENFORCE: 'true', PORT: '7' }).listen.port).toBe(7);
  });

  test('a variable that is missing is the one error of its value', () => {
    const text = target(', api_key: "${NO_KEY}"');
    const message = 'needs the environment variable NO_KEY, which is not set (or write ${NO_KEY:-default})';
    expect(errors(text)).toEqual([`${where(text, 2, '"${NO_KEY}')}: error: ${message}`]);
  });

  test('a variable that a required value lacks is one error too', () => {
    const text = 'targets: [{id: a, vendor: o, model: "${NO_MODEL}", cloud: c, region: r, base_url: "http://a"}]\n';
    expect(errors(text)).toEqual([expect.stringContaining('needs the environment variable NO_MODEL')]);
  });

  test('a value that comes out empty is left out', () => {
    expect(parse(target(', api_key: "${KEY:-}"')).targets[0]?.apiKey).toBeNull();
    expect(
      errors(`targets: [{id: a, vendor: o, model: "\${M:-}", cloud: c, region: r, base_url: "http://a"}]\n`),
    ).toEqual([expect.stringContaining('targets[0].model: is required')]);
  });

  test('never shows in a message, and is not read again', () => {
    const secret = 'openai-chats';
    const found = errors(
      `targets: [{id: a, vendor: o, model: m, cloud: c, region: r, base_url: "http://a", dialect: "\${D}"}]\n`,
      { D: secret },
    );
    expect(found).toHaveLength(1);
    expect(found.join()).not.toContain('did you mean');
    expect(parse(target(', api_key: "${KEY}"'), { KEY: '${OTHER}$$' }).targets[0]?.apiKey).toBe('${OTHER}$$');
  });

  test('is not put into keys, and a number stays one in a text', () => {
    expect(errors(`${target()}"\${K}": 1\n`, { K: 'enforce' })).toEqual([
      expect.stringContaining('${K}: is not known here'),
    ]);
    expect(errors(`${target()}listen: {port: "4181"}\n`)).toEqual([
      expect.stringContaining('listen.port: must be a number, not text'),
    ]);
    expect(errors(`${target()}listen: {port: "\${P}"}\n`, { P: '70000' })).toEqual([
      expect.stringContaining('listen.port: must be at most 65535'),
    ]);
  });
});

function twoHomesWithOneTag(): readonly [string, string] {
  const byTag = new Map<string, string>();
  for (let i = 0; i < 100_000; i++) {
    const id = `h${i}`;
    const tag = tagOf(id);
    const other = byTag.get(tag);
    if (other !== undefined) return [other, id];
    byTag.set(tag, id);
  }
  throw new Error('no two homes share a tag');
}
