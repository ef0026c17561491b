/** `perdure contracts show`: on a data folder that no server uses, and through a server that may be lying. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContractRecord, ContractTexts } from '@perdure/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';
import { contractFolder } from './contracts.ts';
import { namedAs } from './contracts-show.ts';
import { digestOfFiles } from './govern/contract-texts.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-show-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});
const run = (...argv: readonly string[]) => perdure(['contracts', ...argv, '--data', join(dir, 'data')], { cwd: dir });
const shown = async (...argv: readonly string[]): Promise<readonly ContractTexts[]> =>
  (JSON.parse((await run('show', ...argv, '--json')).out) as { data: readonly ContractTexts[] }).data;

test('shows the texts that were activated, not what the folder holds now', async () => {
  const folder = join(dir, 'own');
  cpSync(contractFolder('data-handling', '.'), folder, { recursive: true });
  const clauses = (): string => readFileSync(join(folder, 'clauses.cedar'), 'utf8');
  const first = clauses();
  expect((await run('activate', './own')).code).toBe(0);
  writeFileSync(join(folder, 'clauses.cedar'), `${first}// \u001b[2J later\n`);
  expect((await run('activate', './own', 'openai-2026-02')).code).toBe(0);

  const list = (await run('show')).out.split('\n');
  expect(list.map(line => line.replace(/[0-9a-f]{64}/, 'DIGEST').split(/ {2,}/))).toEqual([
    ['CONTRACT', 'DIGEST', 'IN FORCE', 'ACTIVATIONS', 'FILES'],
    ['openai-2026-02@2026-02-27', 'DIGEST', 'yes', '1', '6'],
    ['data-handling@1', 'DIGEST', 'yes', '1', '2'],
    ['data-handling@1', 'DIGEST', '-', '1', '2'],
    [''],
  ]);
  const [, , newer = '', older = ''] = list.map(line => /[0-9a-f]{64}/.exec(line)?.[0]);
  for (const [name, text] of [
    [older, first],
    [older.slice(0, 6), first],
    [newer, clauses()],
    ['data-handling', clauses()],
    ['data-handling@1', clauses()],
  ] as const) {
    const [one, ...more] = await shown(name);
    expect([name, one?.texts['clauses.cedar'], more]).toEqual([name, text, []]);
  }
  const [, old] = JSON.parse((await run('active', '--json')).out).data as readonly { id: string }[];
  expect((await shown(old?.id ?? '')).map(({ digest }) => digest)).toEqual([older]);

  const { out } = await run('show', newer);
  expect(out).toContain(`data-handling@1 ${newer} (in force)\nactivated by act_`);
  expect(out).toMatch(/\n==> clauses\.cedar [0-9a-f]{64}\n@id\("data\.base"\)\n/);
  // What it holds cannot steer the terminal.
  expect(out).toContain('//  [2J later\n');
  expect((await run('show', older)).out).not.toContain('(in force)');
});

test('what was never activated is told, with what was meant; where there is no data, none is made', async () => {
  expect(await run('show')).toMatchObject({ code: 3, err: expect.stringContaining('there is no data in') });
  await run('activate', 'data-handling');
  for (const [name, hint] of [
    ['data-handlin', 'Did you mean data-handling?'],
    ['nothing', 'lists what was activated'],
    ['0'.repeat(64), 'lists what was activated'],
    ['act_nothing', '"perdure contracts active" lists them'],
  ] as const)
    expect([name, await run('show', name)]).toMatchObject([name, { code: 2, err: expect.stringContaining(hint) }]);
});

test('a beginning of a digest is six signs at least, and of one digest only', () => {
  const record = (digest: string, id = 'a'): ContractRecord => ({
    id,
    object: 'perdure.contract',
    version: '1',
    digest,
    files: {},
    in_force: false,
    activations: [],
  });
  const all = [record(`abcdef${'0'.repeat(58)}`), record(`abcdef1${'0'.repeat(57)}`)];
  expect(namedAs(all, 'abcdef1')).toBe(all[1]);
  expect(() => namedAs(all, 'abcdef')).toThrow('2 digests begin with abcdef: give more of it');
  expect(() => namedAs(all.slice(1), 'abcde')).toThrow('no contract abcde was ever activated');
  expect(namedAs(all.slice(1), 'abcdef')).toBe(all[1]);
  // The newest where none is in force; the one in force before it.
  expect(namedAs(all, 'a')).toBe(all[0]);
  const held = { ...record('f'.repeat(64)), in_force: true };
  expect(namedAs([...all, held], 'a')).toBe(held);
});

test('texts that are not those of the digest are refused, whoever sends them', async () => {
  const { digest, files } = digestOfFiles({ 'a.cedar': 'permit (principal, action, resource);\n' });
  const record = { id: 'a', object: 'perdure.contract', version: '1', digest, files, in_force: true, activations: [] };
  let text = 'permit (principal, action, resource);\n';
  const server: Server = createServer((req, res) => {
    const one = { ...record, texts: { 'a.cedar': text } };
    const body = req.url === '/perdure/v1/contracts' ? { object: 'list', data: [record], has_more: false } : one;
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const env = { PERDURE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const show = () => perdure(['contracts', 'show', 'a'], { cwd: dir, env });
  expect(await show()).toMatchObject({ code: 0, out: expect.stringContaining('permit (') });
  text = 'forbid (principal, action, resource);\n';
  expect(await show()).toMatchObject({
    code: 3,
    out: '',
    err: expect.stringContaining('the texts of a are not those that were activated'),
  });
  await new Promise(resolve => server.close(resolve));
});
