import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importsOf } from '../source-text.test-support.ts';
import { acquireDataLock } from '../store/sqlite/data-lock.ts';
import { perdure } from './cli/captured-io.test-support.ts';
import { VERSION } from './version.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-cli-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const CONFIG = `
targets:
  - {id: az, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "http://127.0.0.1:1/v1"}
  - {id: aw, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:1/v1"}
homes:
  - {id: az-home, cloud: azure, region: eastus2}
  - {id: aw-home, cloud: aws, region: us-east-1}
contracts: [openai-2026-02]
as_of: 2026-03-20
`;
const configure = (text = CONFIG): void => writeFileSync(join(cwd, 'perdure.yaml'), text);

describe('help', () => {
  test.each([
    [],
    ['up'],
    ['demo'],
    ['keys'],
    ['keys', 'create'],
    ['keys', 'list'],
    ['keys', 'revoke'],
    ['contracts'],
    ['contracts', 'check'],
    ['contracts', 'diff'],
    ['contracts', 'fmt'],
    ['contracts', 'test'],
    ['explain'],
    ['placements'],
    ['whatif'],
    ['report'],
    ['report', 'statefulness'],
    ['doctor'],
  ])('of perdure %s %s has examples', async (...words) => {
    const { code, out } = await perdure([...words, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: perdure/);
    expect(out).toContain('\nExamples\n  $ perdure');
  });

  test('tells the exit codes, and the version is that of the package', async () => {
    expect((await perdure(['--help'])).out).toMatch(/Exit codes\n {2}0 {2}done/);
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(VERSION).toBe(version);
    expect(await perdure(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  });

  test('loads nothing of the server', () => {
    const loaded = new Set<string>();
    const visit = (url: URL): void => {
      if (loaded.has(url.href)) return;
      loaded.add(url.href);
      for (const { specifier, typeOnly, dynamic } of importsOf(readFileSync(url, 'utf8'))) {
        if (typeOnly || dynamic) continue;
        if (specifier.startsWith('.')) visit(new URL(specifier, url));
        else expect(specifier, url.href).toBe('commander');
      }
    };
    visit(new URL('./cli.ts', import.meta.url));
    const own = [...loaded].map(href => href.slice(new URL('.', import.meta.url).href.length));
    expect(own.filter(path => !/^(cli|version)\.ts$|^(cli|commands)\//.test(path))).toEqual([]);
    expect(own.length).toBeGreaterThan(8);
  });
});

describe('usage', () => {
  test.each([
    [['explian'], 'Did you mean explain?'],
    [['up', '--prot', '1'], 'Did you mean --port?'],
    [['up', '--port', '70000'], 'Want a whole number from 0 to 65535.'],
    [['keys', 'create'], "required option '--name <name>'"],
    [['keys', 'revoke'], "missing required argument 'id'"],
    [['explain', '--stored', '--stateless'], 'exclude each other'],
    [['explain', '--segment', 'us-gv'], 'did you mean us-gov?'],
    [['explain', '--as-of', '2026-02-30'], '--as-of takes a day'],
    [['explain', '--event', 'agi-verified'], '--event takes an id and a day'],
    [['explain', '--event', 'agi-verified=2026-02-30'], '--event takes an id and a day'],
    [['explain', '--spend', '120'], '--spend takes whole US dollars'],
    [['explain', '--spend', '1/1000000000'], '--spend takes whole US dollars'],
    [['explain', '--product', 'nothing'], 'there is no product nothing'],
    [['explain', '--model', 'nothing'], 'no target serves the model nothing'],
    [['explain', '--contracts', 'nowhere'], 'no contract at "nowhere"'],
    [['explain', '--contracts', 'openai-2026-02', '--reading', 'micorsoft'], 'did you mean microsoft?'],
    [['up', '--config', 'nowhere.yaml'], 'nowhere.yaml: error: does not exist'],
  ])('%j ends with 2 and says why, without a stack', async (argv, message) => {
    const { code, out, err } = await perdure(argv, { cwd });
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n {4}at /);
  });

  test('PERDURE_DEBUG adds the stack', async () => {
    const { err } = await perdure(['explain', '--segment', 'x'], { cwd, env: { PERDURE_DEBUG: '1' } });
    expect(err).toMatch(/\n {4}at /);
  });

  test('a broken configuration is told line by line', async () => {
    configure('targetz: []\nlisten: {port: -1}\n');
    const { code, err } = await perdure(['doctor'], { cwd });
    expect(code).toBe(3);
    const up = await perdure(['up'], { cwd });
    expect(up.code).toBe(2);
    expect(up.err.split('\n').filter(line => line.startsWith('perdure.yaml:'))).toEqual([
      expect.stringMatching(/^perdure\.yaml:1:1: error: targets: is required: .* Name where calls can go:$/),
      'perdure.yaml:1:1: error: targetz: is not known here (did you mean targets?)',
      'perdure.yaml:2:10: error: listen.port: must be at least 0',
    ]);
    expect(err).toBe('');
  });
});

describe('contracts check', () => {
  test('finds the shipped sets in order', async () => {
    const { code, out } = await perdure(['contracts', 'check'], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(
      /openai-2026-02 2026-02-27: \d+ clauses and definitions, in force from 2026-02-27 until 2026-04-27; readings: as-written \(default\)/,
    );
    expect(out.endsWith('ok\n')).toBe(true);
  });

  test('says what is wrong with one, with file and line, and ends with 3', async () => {
    const folder = join(cwd, 'mine');
    mkdirSync(folder);
    const shipped = fileURLToPath(new URL('../../../../contracts/none/', import.meta.url));
    writeFileSync(join(folder, 'contract.yaml'), readFileSync(join(shipped, 'contract.yaml')));
    writeFileSync(join(folder, 'clauses.cedar'), '@id("none.all")\npermit (principal, action, resourc);\n');
    const { code, out } = await perdure(['contracts', 'check', 'mine'], { cwd });
    expect(code).toBe(3);
    expect(out).toMatch(/clauses\.cedar:\d+: error cedar_syntax/);
    const json = await perdure(['contracts', 'check', 'mine', '--json'], { cwd });
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      contracts: [{ id: null, findings: [{ level: 'error', code: 'cedar_syntax' }] }],
    });
  });

  test('does not say ok of what it could not look at: 1, and what to do', async () => {
    const contract = (labels: number): void => {
      const folder = join(cwd, 'wide');
      mkdirSync(folder, { recursive: true });
      const tests = Array.from({ length: labels }, (_, i) => `principal.labels.contains("l${i}")`).join(' || ');
      writeFileSync(
        join(folder, 'contract.yaml'),
        'id: wide\nversion: "1"\ntitle: wide\nsources: {s: {title: s}}\nclauses:\n  w.base: {source: s, confidence: A, summary: x}\n  w.not: {source: s, confidence: A, summary: x}\n',
      );
      writeFileSync(
        join(folder, 'clauses.cedar'),
        `@id("w.base") @cite("x") permit (principal, action, resource);\n@id("w.not") @cite("x") forbid (principal, action == Action::"infer", resource) when { ${tests} };\n`,
      );
    };
    contract(6);
    expect(await perdure(['contracts', 'check', 'wide'], { cwd })).toMatchObject({ code: 0 });
    contract(7);
    const { code, out } = await perdure(['contracts', 'check', 'wide'], { cwd });
    expect(code).toBe(1);
    expect(out).toMatch(/warning fact_space_too_wide: .*7 labels apart.*\(check fewer contracts together/);
    expect(out).toMatch(/\nnot checked in full: [^\n]*\n$/);
    const json = await perdure(['contracts', 'check', 'wide', '--json'], { cwd });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, status: 'not_checked' });
  });

  test('a reading that decides no live call is an error of the configuration', async () => {
    configure(`${CONFIG}reading: substance\n`);
    const { code, err } = await perdure(['contracts', 'check'], { cwd });
    expect(code).toBe(2);
    expect(err).toContain('perdure.yaml:10:1: error: reading: reading substance of openai-2026-02 is retrospective');
  });
});

describe('explain', () => {
  test('shows every place with the clause against it', async () => {
    configure();
    const { code, out } = await perdure(['explain', '--product', 'frontier', '--channel', 'bedrock'], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(/^STATE\n/);
    expect(out).toMatch(/az-home .* excluded by amzn\.state/);
    expect(out).toMatch(/aw-home .* chosen/);
    expect(out).toMatch(/az .* excluded by amzn\.inference/);
    expect(out).toMatch(/aw .* chosen/);
  });

  test('under another reading, at another time, without state, as JSON', async () => {
    configure();
    const json = async (...flags: string[]): Promise<unknown> =>
      JSON.parse((await perdure(['explain', '--json', ...flags], { cwd })).out);
    const frontier = ['--product', 'frontier', '--channel', 'bedrock'];
    expect(await json(...frontier, '--reading', 'microsoft')).toMatchObject({
      state: { chosen: 'aw-home' },
      infer: { chosen: 'az' },
    });
    expect(await json('--stateless', '--channel', 'bedrock')).toMatchObject({
      state: null,
      call: { stored: false, as_of: '2026-03-20T00:00:00.000Z', events: [], spend_micro_usd: null },
      infer: { chosen: 'az', classes: { 'openai-2026-02': 'stateless' } },
    });
    expect(
      await json('--stateless', '--channel', 'bedrock', '--event', 'agi-verified=2026-03-20', '--spend', '1/20'),
    ).toMatchObject({
      call: {
        events: [{ id: 'agi-verified', date: '2026-03-20' }],
        spend_micro_usd: { month: 1_000_000, total: 20_000_000 },
      },
      infer: {
        rows: [
          { id: 'az', against: [] },
          { id: 'aw', against: [] },
        ],
      },
    });
    expect(await json('--stateless', '--as-of', '2026-05-01')).toMatchObject({
      infer: { outcome: 'refused', code: 'no_contract_in_force' },
    });
  });

  test('ends with 3 for what would be refused', async () => {
    configure(CONFIG.replace(/.*cloud: azure.*\n/g, ''));
    const { code, out } = await perdure(['explain', '--stateless'], { cwd });
    expect(code).toBe(3);
    expect(out).toContain('joint.stateless');
  });
});

describe('keys', () => {
  test('are made, listed and revoked in the data folder', async () => {
    const made = await perdure(['keys', 'create', '--name', 'ci', '--scope', 'admin', '--scope', 'read', '--json'], {
      cwd,
    });
    expect(made.code).toBe(0);
    const { id, secret } = JSON.parse(made.out) as { id: string; secret: string };
    const listed = await perdure(['keys', 'list'], { cwd });
    expect(listed.out).toContain(
      `${id}  ci    ${secret.slice(0, 9)}...  local   api      direct   commercial  admin,read  active`,
    );
    expect(listed.out).not.toContain(secret);
    expect(await perdure(['keys', 'revoke', id], { cwd })).toMatchObject({ code: 0, out: `${id} is revoked\n` });
    expect((await perdure(['keys', 'list'], { cwd })).out).toMatch(/revoked \d{4}-\d\d-\d\d/);
    expect(await perdure(['keys', 'revoke', 'key_none'], { cwd })).toMatchObject({ code: 1, out: '' });
    const plain = await perdure(['keys', 'create', '--name', 'b'], { cwd });
    expect(plain.out).toMatch(/^pdr_\w{32}\n$/);
    expect(await perdure(['keys', 'create', '--name', 'b', '--product', 'x'], { cwd })).toMatchObject({ code: 2 });
  }, 60_000);

  test('begin with an administrator’s, and say what changes', async () => {
    const lone = await perdure(['keys', 'create', '--name', 'ada', '--tenant', 'acme', '--json'], { cwd });
    expect(lone).toMatchObject({ code: 3, out: '' });
    expect(lone.err).toContain('--without-admin');
    const ops = await perdure(['keys', 'create', '--name', 'ops', '--scope', 'admin', '--json'], { cwd });
    expect(JSON.parse(ops.out)).toMatchObject({ name: 'ops', scopes: ['admin'] });
    expect(ops.err).toContain('from now on every request needs one');
    expect(ops.err).toContain('is of the tenant local, and stays so');
    const ada = await perdure(['keys', 'create', '--name', 'ada', '--json'], { cwd });
    expect(ada).toMatchObject({ code: 0, err: '' });
    const data = join(cwd, 'other');
    const meant = await perdure(['keys', 'create', '--name', 'ada', '--without-admin', '--data', data], { cwd });
    expect(meant.code).toBe(0);
  }, 60_000);

  test('of a folder that a process holds, and no server answers for: 3, and what to do', async () => {
    const lock = acquireDataLock(join(cwd, 'data'));
    try {
      const { code, err } = await perdure(['keys', 'list', '--data', 'data'], {
        cwd,
        env: { PERDURE_URL: 'http://127.0.0.1:1' },
      });
      expect(code).toBe(3);
      expect(err).toContain('Set PERDURE_URL');
    } finally {
      lock.release();
    }
  });
});

describe('doctor', () => {
  test('finds a fresh folder healthy, then one that was used', async () => {
    expect(await perdure(['doctor'], { cwd })).toMatchObject({
      code: 0,
      out: expect.stringContaining('is not there yet'),
    });
    await perdure(['keys', 'create', '--name', 'a', '--scope', 'admin'], { cwd });
    const { code, out } = await perdure(['doctor', '--json'], { cwd });
    expect(code).toBe(0);
    const { checks } = JSON.parse(out) as { checks: { name: string; result: string; detail: string }[] };
    const names = ['node', 'config', 'contracts', 'hosts', 'space', 'isolation', 'data', 'home local', 'active'];
    expect(checks.map(check => check.name)).toEqual(names);
    const detail = (name: string) => checks.find(check => check.name === name)?.detail;
    expect(detail('home local')).toBe('0 sessions, 0 events, every chain holds');
    // Making a key activates nothing: what is configured by the first start is what counts.
    expect(detail('active')).toContain('nothing was activated yet');
    const activated = await perdure(['contracts', 'activate', 'openai-2026-02', '--reading', 'as-written'], { cwd });
    expect(activated).toMatchObject({ code: 0, out: expect.stringContaining(': in_force') });
    const after = await perdure(['doctor'], { cwd });
    expect(after.out).toMatch(/active +warning +none 1 is configured and not active/);
    expect(after.code).toBe(0);
  }, 60_000);

  test('warns of contracts of which none is in force', async () => {
    configure(CONFIG.replace(/^as_of.*\n/m, ''));
    const { code, out } = await perdure(['doctor'], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(
      /contracts +warning .*\n +no contract on models of openai is in force.*openai-2026-02 ended on 2026-04-27/,
    );
    configure(`${CONFIG.replace(/^as_of.*\n/m, '')}as_of: 2026-03-20\n`);
    expect((await perdure(['doctor'], { cwd })).out).toMatch(/contracts +ok /);
  }, 60_000);

  test('a file that is none, and a folder in use, are not healthy', async () => {
    mkdirSync(join(cwd, 'data'));
    writeFileSync(join(cwd, 'data', 'local.db'), 'this is no database, and long enough to be read as one'.repeat(1000));
    const broken = await perdure(['doctor'], { cwd });
    expect(broken.code).toBe(3);
    expect(broken.out).toMatch(/home local +failed/);
    // Whatever opens it says which file it is.
    const file = join(cwd, 'data', 'local.db');
    expect(broken.out).toContain(`${file}: SQLite: file is not a database`);
    for (const argv of [
      ['keys', 'list'],
      ['report', 'lock-in'],
    ])
      expect(await perdure(argv, { cwd })).toMatchObject({
        code: 3,
        err: expect.stringContaining(`${file}: SQLite: file is not`),
      });
    const lock = acquireDataLock(join(cwd, 'data'));
    try {
      const { code, out } = await perdure(['doctor'], { cwd });
      expect(code).toBe(3);
      expect(out).toMatch(/data +failed +another Perdure process/);
    } finally {
      lock.release();
    }
  }, 60_000);
});
