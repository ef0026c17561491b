/** `perdure contracts check | diff | fmt | test`, as they are called. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';
import { CONFIG, copyIn } from './contract-copies.test-support.ts';
import { MAX_CASES_CHARS } from './contract-cases.ts';
import { shippedContracts } from './contracts.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-lifecycle-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const copyOf = (set: string, file: string, from: string | RegExp, to: string): string =>
  copyIn(cwd, set, file, from, to);

describe('diff', () => {
  test('of two readings: rows with a witness, and 1', async () => {
    const args = ['openai-2026-02', 'openai-2026-02', '--reading-b', 'microsoft', '--at', '2026-03-20'];
    const { code, out } = await perdure(['contracts', 'diff', ...args], { cwd });
    expect(code).toBe(1);
    expect(out).toContain(`A  openai-2026-02 2026-02-27, reading as-written
B  openai-2026-02 2026-02-27, reading microsoft
`);
    expect(
      out,
    ).toContain(`infer, model of openai, frontier, sold by amazon, any segment but us-natsec, without the event agi-verified, state held
    aws only -> azure only  (1 class)
`);
    expect(out).toMatch(/A at aws: allowed by base \(openai-2026-02\)/);
    expect(out).toMatch(/B at aws: denied by joint\.stateless \(openai-2026-02\): joint statement 2026-02-27/);
  });

  test('of what is equal: nothing, and 0', async () => {
    const { code, out } = await perdure(['contracts', 'diff', 'openai-2026-02', 'openai-2026-02'], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(
      /\d+ request classes over every place that the clauses tell apart\n\nno request class changes\n$/,
    );
  });

  test('as JSON, over the configured places, narrowed', async () => {
    writeFileSync(join(cwd, 'perdure.yaml'), CONFIG);
    const args = [
      'none',
      'openai-2026-02',
      '--at',
      '2026-03-20',
      '--only',
      'action=infer',
      '--only',
      'product=api',
      '--json',
    ];
    const { code, out } = await perdure(['contracts', 'diff', ...args], { cwd });
    expect(code).toBe(1);
    const json: unknown = JSON.parse(out);
    expect(json).toMatchObject({
      object: 'perdure.contracts_diff',
      equal: false,
      over: 'config',
      a: [{ id: 'none', reading: null }],
      b: [{ id: 'openai-2026-02', reading: 'as-written' }],
      changes: [
        {
          when: ['any segment but us-natsec', 'without the event agi-verified'],
          before: 'anywhere',
          after: 'az only',
          witness: {
            action: 'infer',
            facts: { vendor: 'openai', product: { id: 'api' }, at: '2026-03-20' },
            classes: { a: {}, b: { 'openai-2026-02': 'stateless' } },
            places: [{ place: 'gc', a: { outcome: 'allowed' }, b: { outcome: 'denied' } }],
          },
        },
        // What OpenAI sells itself stays on Azure whatever became of AGI.
        { before: 'anywhere', after: 'az only', classes: 4 },
      ],
    });
  });

  test.each(shippedContracts())('of %s with itself: nothing, and 0', async name => {
    const { code, out } = await perdure(['contracts', 'diff', name, name], { cwd });
    expect({ code, out: out.split('\n').at(-2) }).toEqual({ code: 0, out: 'no request class changes' });
  });

  test('of two eras: told apart by their clauses if dates are ignored', async () => {
    const eras = ['contracts', 'diff', 'openai-2025-10', 'openai-2026-02', '--only', 'segment=commercial'];
    const dated = await perdure(eras, { cwd });
    expect(dated.out).toContain(
      'A and B are never in force at one time: --ignore-dates compares what their clauses say.',
    );
    expect(dated.out).toContain('nowhere (no contract in force)');
    const { code, out } = await perdure([...eras, '--ignore-dates'], { cwd });
    expect(code).toBe(1);
    expect(out).not.toMatch(/no contract in force|never in force/);
    expect(out).toMatch(
      /selling frontier, sold by any third party but amazon\n {4}may be sold -> may not be sold {2}\(6 classes\)/,
    );
    expect(out).toMatch(/place_state or execute, frontier, sold by amazon\n {4}anywhere -> aws only/);
    const overlapping = await perdure(['contracts', 'diff', 'none', 'openai-2026-02', '--at', '2026-03-20'], { cwd });
    expect(overlapping.out).not.toContain('never in force');
    const both = ['contracts', 'diff', 'openai-2025-10,openai-2026-02', 'openai-2026-04', '--ignore-dates'];
    expect(await perdure(both, { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('openai-2026-02 supersedes a contract of its own side'),
    });
  });

  test.each([
    [['none', 'nowhere'], 'no contract at "nowhere"'],
    [['none', 'none', '--at', 'soon'], '--at takes a day'],
    [['none', 'none', '--at', '2026-03-20', '--from', '2026-03-20'], '--at excludes --from and --to'],
    [['none', 'none', '--from', '2026-03-20', '--to', '2026-03-20'], '--from must be before --to'],
    [['none', 'none', '--only', 'product'], '--only takes DIMENSION=VALUE'],
    [['none', 'openai-2026-02', '--only', 'product=frontyer'], 'product is never "frontyer" here'],
    [['none', 'openai-2026-02', '--reading', 'micorsoft'], 'did you mean microsoft?'],
  ])('%s: 2, and why', async (args, why) => {
    const { code, out, err } = await perdure(['contracts', 'diff', ...args], { cwd });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(why);
  });

  test('of clauses that tell too much apart: which dimension, and how to narrow it', async () => {
    const labels = Array.from(
      { length: 5 },
      (_, i) => `principal.labels.contains("l${i}") && context.call.labels.contains("l${i}")`,
    );
    const when = `(context.call.stateHeld && context.call.product.kind == "api" && context.call.channel.kind == "direct" && context.call.segment like "*" && context.call.purpose like "*" && context.call.product in Vendor::"v" && context.call.vendor == Vendor::"w") || ${labels.join(' || ')}`;
    const mine = copyOf(
      'none',
      'clauses.cedar',
      /$/,
      `@id("x") @cite("x") forbid (principal, action == Action::"infer", resource) when { ${when} };\n`,
    );
    writeFileSync(
      join(cwd, mine, 'contract.yaml'),
      `${readFileSync(join(cwd, mine, 'contract.yaml'), 'utf8')}  x: {source: operator, confidence: A, summary: x}\n`,
    );
    const { code, err } = await perdure(['contracts', 'diff', 'none', mine], { cwd });
    expect(code).toBe(2);
    expect(err).toMatch(
      /fact_space_too_wide: the clauses tell more than 200000 kinds of request apart; at most 200000.*purpose \(10 values\).*--only purpose=VALUE/,
    );
    const narrowed = ['--only', 'purpose=turn', '--only', 'action=infer', '--only', 'segment=commercial'];
    expect((await perdure(['contracts', 'diff', 'none', mine, ...narrowed], { cwd })).code).toBe(1);
  }, 60_000);
});

describe('check', () => {
  test('of an era and the rules of an operator: all of it is looked at, and what they leave no place for is found', async () => {
    const { code, out } = await perdure(['contracts', 'check', 'openai-2026-02', 'data-handling', 'example-acme'], {
      cwd,
    });
    expect(code).toBe(0);
    expect(out).not.toContain('fact_space_too_wide');
    expect(out).toMatch(/warning clauses_contradict: data\.us-gov and acme\.eu-stays together leave no place/);
    expect(out).toMatch(/\nok\n$/);
  }, 60_000);

  test('lists ambiguous clauses, and finds nothing else in the shipped sets', async () => {
    const { code, out } = await perdure(['contracts', 'check'], { cwd });
    expect(code).toBe(0);
    expect(out).not.toMatch(/: (warning|error) /);
    expect(out).toMatch(/openai-2026-02\/clauses\.cedar:\d+: note clause_ambiguous: joint\.sellers is ambiguous/);
  });

  test('finds clauses that never apply and those that decide nothing, with file and line', async () => {
    const clauses = `@id("dead") @cite("x") forbid (principal, action == Action::"infer", resource)
when { context.call.vendor == Vendor::"openai" && context.call.vendor == Vendor::"google" };
@id("some") @cite("x") forbid (principal, action == Action::"egress", resource in Cloud::"gcp") when { context.call.stateHeld };
@id("all") @cite("x") forbid (principal, action == Action::"egress", resource in Cloud::"gcp");
@id("none.all")`;
    const mine = copyOf('none', 'clauses.cedar', '@id("none.all")', clauses);
    const notes = ['dead', 'some', 'all'].map(id => `  ${id}: {source: operator, confidence: A, summary: x}\n`);
    const yaml = join(cwd, mine, 'contract.yaml');
    writeFileSync(yaml, readFileSync(yaml, 'utf8') + notes.join(''));
    const { code, out } = await perdure(['contracts', 'check', mine], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(
      /mine\/clauses\.cedar:1: warning clause_dead: dead never applies to any request \(within its dates,/,
    );
    expect(out).toMatch(/mine\/clauses\.cedar:3: note clause_shadowed: some decides nothing/);
    expect(out).not.toMatch(/: all |none\.all/);
  });

  test('finds clauses of two contracts that leave no place', async () => {
    const mine = copyOf(
      'none',
      'clauses.cedar',
      /$/,
      '@id("eu") @cite("x") forbid (principal, action == Action::"infer", resource in Cloud::"azure");\n',
    );
    const yaml = join(cwd, mine, 'contract.yaml');
    writeFileSync(
      yaml,
      `${readFileSync(yaml, 'utf8').replace('id: none', 'id: mine')}  eu: {source: operator, confidence: A, summary: x}\n`,
    );
    const { code, out } = await perdure(['contracts', 'check', 'openai-2026-02', mine], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(
      /together: \S+clauses\.cedar:\d+: warning clauses_contradict: .*joint\.stateless.* together leave no place for \d+ request classes that .*base.* permits: infer, model of openai/,
    );
  });

  test('finds configured places that no request may use, and those that are missing', async () => {
    writeFileSync(join(cwd, 'perdure.yaml'), CONFIG);
    const { code, out } = await perdure(['contracts', 'check'], { cwd });
    expect(code).toBe(0);
    expect(out).not.toContain('place_unreachable');
    const mine = copyOf(
      'none',
      'clauses.cedar',
      /$/,
      '@id("no") @cite("x") forbid (principal, action == Action::"infer", resource in Cloud::"gcp");\n',
    );
    const yaml = join(cwd, mine, 'contract.yaml');
    writeFileSync(yaml, `${readFileSync(yaml, 'utf8')}  no: {source: operator, confidence: A, summary: x}\n`);
    writeFileSync(join(cwd, 'perdure.yaml'), CONFIG.replace('[openai-2026-02, data-handling]', '[mine]'));
    const alone = await perdure(['contracts', 'check', '--json'], { cwd });
    expect(JSON.parse(alone.out)).toMatchObject({
      ok: true,
      together: [
        {
          level: 'warning',
          code: 'place_unreachable',
          file: 'perdure.yaml',
          message: 'no request may use the target gc (no)',
        },
      ],
    });
  });

  test('finds a contract that another always supersedes', async () => {
    const mine = copyOf('none', 'contract.yaml', 'id: none', 'id: mine\nsupersedes: [none]');
    const { out } = await perdure(['contracts', 'check', 'none', mine], { cwd });
    expect(out).toContain('together: none/contract.yaml: warning never_in_force: none 1 is never in force');
    expect(out).not.toContain('mine 1 is never in force');
  });
});

describe('fmt', () => {
  test('formats a folder once; with --check it only says what would change', async () => {
    const mine = copyOf('none', 'clauses.cedar', 'permit (', '// why\n  permit   (');
    const before = readFileSync(join(cwd, mine, 'clauses.cedar'), 'utf8');
    const check = await perdure(['contracts', 'fmt', mine, '--check'], { cwd });
    expect(check).toMatchObject({ code: 1, out: 'mine/clauses.cedar\n2 files, 1 would change\n' });
    expect(readFileSync(join(cwd, mine, 'clauses.cedar'), 'utf8')).toBe(before);
    expect(await perdure(['contracts', 'fmt', mine], { cwd })).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, mine, 'clauses.cedar'), 'utf8')).toContain('// why\npermit (');
    const again = await perdure(['contracts', 'fmt', mine, '--check', '--json'], { cwd });
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toEqual({ object: 'perdure.contracts_fmt', ok: true, files: 2, changed: [] });
  });

  test('writes nothing if a file cannot be read', async () => {
    const mine = copyOf('openai-2026-02', 'clauses.cedar', 'permit (', 'permti (');
    writeFileSync(
      join(cwd, mine, 'readings', 'microsoft.cedar'),
      '@id("microsoft.all")   permit (principal, action, resource);',
    );
    const { code, err } = await perdure(['contracts', 'fmt', mine], { cwd });
    expect(code).toBe(3);
    expect(err).toMatch(/mine\/clauses\.cedar:\d+: error cedar_syntax/);
    expect(readFileSync(join(cwd, mine, 'readings', 'microsoft.cedar'), 'utf8')).toContain('   permit');
  });
});

describe('test', () => {
  test('a case that comes out otherwise is shown with the clauses that decided, and ends with 1', async () => {
    const mine = copyOf('openai-2026-02', 'cases.yaml', '[joint.first-party, joint.stateless]', '[joint.stateless]');
    const { code, out } = await perdure(['contracts', 'test', mine], { cwd });
    expect(code).toBe(1);
    expect(out).toContain(`mine/cases.yaml:18: 1. a stateless call, sold direct
  aws: expected denied by joint.stateless; flagged nothing
       got      denied by joint.first-party, joint.stateless; flagged nothing
    joint.stateless (openai-2026-02): joint statement`);
    expect(out).toMatch(/NOT OK {2}1\. a stateless call, sold direct +2026-03-20 +as-written +aws/);
    expect(out).toMatch(/\d+ checks, 1 not as expected\n$/);
    const json = await perdure(['contracts', 'test', mine, '--json'], { cwd });
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      contracts: [
        {
          id: 'openai-2026-02',
          checks: expect.arrayContaining([expect.objectContaining({ of: 'aws', ok: false })]),
          unnoticed: null,
        },
      ],
    });
  });

  test('tells which clauses no case would miss', async () => {
    const mine = copyOf(
      'data-handling',
      'cases.yaml',
      /\n {2}- name: a request labelled us-gov stays[^]*?(?=\n {2}- name: a session)/,
      '',
    );
    const first = await perdure(['contracts', 'test', 'data-handling', '--coverage'], { cwd });
    expect(first.out).toContain('coverage: 3 of 3 clauses and definitions are noticed by a case\n');
    const text = readFileSync(join(cwd, mine, 'cases.yaml'), 'utf8');
    writeFileSync(
      join(cwd, mine, 'cases.yaml'),
      text.replace(/ {2}- name: a place is cleared for every label[^]*?(?= {2}- name: these)/, ''),
    );
    const { code, out } = await perdure(['contracts', 'test', mine, '--coverage'], { cwd });
    expect(code).toBe(0);
    expect(out).toContain(
      'coverage: 2 of 3 clauses and definitions are noticed by a case; without these, every case comes out the same: data.us-gov\n',
    );
  });

  test('without a folder: those of the configuration, else all that are shipped', async () => {
    const folder = mkdtempSync(join(cwd, 'configured-'));
    const shipped = await perdure(['contracts', 'test', '--json'], { cwd: folder });
    expect(shipped.code).toBe(0);
    const ids = (JSON.parse(shipped.out) as { contracts: { id: string }[] }).contracts.map(({ id }) => id);
    expect(ids).toEqual(shippedContracts());
    const own = copyOf('none', 'cases.yaml', 'places:', 'places: #');
    rmSync(join(cwd, own, 'cases.yaml'));
    const target =
      '{ id: t, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:1" }';
    writeFileSync(
      join(folder, 'perdure.yaml'),
      `targets: [${target}]\ncontracts: [data-handling, ${JSON.stringify(join(cwd, own))}]\n`,
    );
    const { code, out } = await perdure(['contracts', 'test'], { cwd: folder });
    expect(code).toBe(0);
    expect(out).toMatch(/^data-handling 1: 11 cases\n/);
    expect(out).toMatch(/mine has no cases\.yaml: nothing of it was tested\n\d+ checks, all as expected\n$/);
  });

  test('without cases, or with too many characters of them: 2', async () => {
    const mine = copyOf('none', 'clauses.cedar', '@id', '\n@id');
    rmSync(join(cwd, mine, 'cases.yaml'));
    expect(await perdure(['contracts', 'test', mine], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('no cases.yaml'),
    });
    writeFileSync(join(cwd, mine, 'cases.yaml'), '#'.repeat(MAX_CASES_CHARS + 1));
    expect((await perdure(['contracts', 'test', mine], { cwd })).err).toContain(
      `a file of cases may have ${MAX_CASES_CHARS}`,
    );
    writeFileSync(join(cwd, mine, 'cases.yaml'), '#'.repeat(MAX_CASES_CHARS));
    expect((await perdure(['contracts', 'test', mine], { cwd })).err).not.toContain('may have');
  });
});
