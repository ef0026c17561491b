/** What a what-if is asked with and leaves behind: checked before any work, and not mixed with the answer to another question. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../cli/captured-io.test-support.ts';
import { layFolder } from '../evidence/recorded-folder.test-support.ts';

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-whatif-evidence-'));
  await layFolder(folder, 20);
  mkdirSync(join(folder, 'a-folder'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const whatIf = (...options: readonly string[]) =>
  perdure(['whatif', '--data', folder, '--reading', 'microsoft', '--json', ...options], { cwd: folder });

test.each(['--state', '--placements', '--csv', '--money-csv', '--jsonl', '--html'])(
  'where %s cannot be written, nothing is done',
  async option => {
    const before = readdirSync(folder);
    for (const [path, problem] of [
      ['nowhere/file', 'is no folder'],
      ['a-folder', 'is a folder'],
    ] as const) {
      const { code, out, err } = await whatIf('--csv', 'other.csv', option, path);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain(`perdure whatif: ${option} cannot be written: `);
      expect(err).toContain(problem);
    }
    expect(readdirSync(folder)).toEqual(before);
  },
);

test('two options do not name one file', async () => {
  const { code, err } = await whatIf('--html', 'same', '--jsonl', './same');
  expect([code, err]).toEqual([2, expect.stringContaining('--jsonl and --html name one file')]);
});

test('a time that ends before it begins is refused, a time that is none names its option', async () => {
  const refused = async (...options: readonly string[]) => {
    const { code, err } = await whatIf(...options);
    return [code, err.trim()];
  };
  expect(await refused('--from', '2026-03-02', '--to', '2026-03-01')).toEqual([
    2,
    'perdure whatif: --from is after --to',
  ]);
  expect(await refused('--from', '9999-01-01')).toEqual([2, 'perdure whatif: --from is after now']);
  expect((await whatIf('--from', '2026-03-01', '--to', '2026-03-01')).code).toBe(0);
  for (const [argv, option] of [
    [['usage', '--from', 'x'], '--from'],
    [['usage', '--to', 'x'], '--to'],
    [['usage', 'export', '--from', 'x'], '--from'],
    [['commitments', '--as-of', 'x'], '--as-of'],
    [['report', 'visibility', '--to', 'x'], '--to'],
  ] as const) {
    const { code, err } = await perdure([...argv, '--data', folder], { cwd: folder });
    expect([code, err]).toEqual([2, expect.stringContaining(`${option} takes a day`)]);
  }
  const usage = await perdure(['usage', '--data', folder, '--from', '2026-03-02', '--to', '2026-03-01'], {
    cwd: folder,
  });
  expect([usage.code, usage.err.trim()]).toEqual([2, 'perdure usage: --from is after --to']);
});

test('a state is of one question: what differs is named, and prices are part of it', async () => {
  const kept = ['--state', 'one.state', '--placements', 'one.jsonl'];
  expect((await whatIf(...kept)).code).toBe(0);
  const saved = JSON.parse(readFileSync(join(folder, 'one.state'), 'utf8')) as { question: Record<string, string> };
  const other = async (part: string): Promise<void> => {
    writeFileSync(
      join(folder, 'other.state'),
      JSON.stringify({ ...saved, question: { ...saved.question, [part]: 'another' } }),
    );
    const { code, err } = await whatIf('--state', 'other.state', '--placements', 'one.jsonl');
    expect([code, err]).toEqual([2, expect.stringContaining(`another what-if: it differs in ${part}\n`)]);
  };
  for (const part of Object.keys(saved.question)) await other(part);
  expect(Object.keys(saved.question)).toEqual([
    '--contracts',
    '--reading',
    '--event',
    '--from',
    '--to',
    '--tenant',
    '--data or --url',
    '--placements',
    'prices',
    'rate cards',
  ]);
  const without = await whatIf('--state', 'one.state');
  expect([without.code, without.err]).toEqual([2, expect.stringContaining('differs in --placements\n')]);
});

test('a file of placements goes on where the state says, or not at all', async () => {
  const kept = ['--state', 'two.state', '--placements', 'two.jsonl'];
  expect((await whatIf(...kept)).code).toBe(0);
  const file = join(folder, 'two.jsonl');
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, `${whole}{"torn`);
  expect((await whatIf(...kept)).code).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(whole);
  truncateSync(file, whole.length - 1);
  const short = await whatIf(...kept);
  expect([short.code, short.err]).toEqual([2, expect.stringContaining(`${whole.length - 1} of ${whole.length} bytes`)]);
  rmSync(file);
  expect((await whatIf(...kept)).err).toContain('is not there');
  // Without a state it begins anew, whatever was there.
  writeFileSync(file, 'x'.repeat(whole.length * 2));
  expect((await whatIf('--placements', 'two.jsonl')).code).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(whole);
});

test('after a change of a price book a run does not go on', async () => {
  const config = join(folder, 'perdure.yaml');
  const priced = (input: number): void =>
    writeFileSync(
      config,
      `targets: [{ id: aws, vendor: openai, model: gpt, cloud: aws, region: r, base_url: "http://127.0.0.1:1/v1", price_book: [{ input: ${input}, output: 2 }] }]\n`,
    );
  priced(1);
  expect((await whatIf('--state', 'priced.state')).code).toBe(0);
  expect((await whatIf('--state', 'priced.state')).code).toBe(0);
  priced(3);
  const { code, err } = await whatIf('--state', 'priced.state');
  rmSync(config);
  expect([code, err]).toEqual([2, expect.stringContaining('it differs in prices\n')]);
});
