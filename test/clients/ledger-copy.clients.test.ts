/** The ledger copied by an outsider: from a running server, with `perdure ledger copy`, verified with a key that he was told. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const AUDITOR = 'copy-auditor-key-0123456789';
const CALLER = 'copy-caller-key-0123456789';
let stack: Stack;
let folder: string;
let key: string;

const url = (): string => `${stack.url}/ledger/local`;
const ask = (path: string, secret?: string): Promise<Response> =>
  fetch(`${url()}/${path}`, { headers: { ...(secret !== undefined && { authorization: `Bearer ${secret}` }) } });
const copy = (into: string, more: readonly string[] = [], secret = AUDITOR) =>
  perdure(['ledger', 'copy', url(), into, '--json', ...more], { cwd: folder, env: { PERDURE_API_KEY: secret } });

interface Copied {
  readonly ok: boolean;
  readonly fetched: number;
  readonly logs: readonly { readonly size: number }[];
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-ledger-copy-'));
  stack = await startStack({
    clouds: ['azure'],
    config: {
      ledger: { interval_ms: 100 },
      keys: [
        { name: 'caller', secret: CALLER },
        { name: 'auditor', secret: AUDITOR, tenant: 'audit', scopes: ['auditor'] },
      ],
    },
  });
  await calls(3);
  const { out } = await perdure(['ledger', 'keys', '--json', '--data', stack.data], { cwd: folder });
  key = (JSON.parse(out) as { data: { key: string }[] }).data[0]?.key ?? '';
});

afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

const size = async (): Promise<number> => Number((await (await ask('checkpoint', AUDITOR)).text()).split('\n')[1]) || 0;

/** Makes stateless calls, of two leaves each, and waits until all are sealed. */
async function calls(count: number): Promise<void> {
  const before = await size();
  for (let call = 0; call < count; call++)
    await stack.openai(CALLER).responses.create({ model: MODEL, input: `call ${call}`, store: false });
  for (const end = Date.now() + 60_000; Date.now() < end && (await size()) < before + 2 * count; )
    await new Promise(resolve => setTimeout(resolve, 50));
}

test('the keys of the log are served to whoever may read it, and told apart from those of a home that is none', async () => {
  expect((await ask('keys')).status).toBe(401);
  expect((await ask('keys', CALLER)).status).toBe(403);
  const keys = await ask('keys', AUDITOR);
  expect([keys.status, keys.headers.get('cache-control')]).toEqual([200, 'private, max-age=1']);
  expect(await keys.text()).toBe(`${key}\n`);
  const elsewhere = await fetch(`${stack.url}/ledger/elsewhere/keys`, {
    headers: { authorization: `Bearer ${AUDITOR}` },
  });
  expect(elsewhere.status).toBe(404);
});

test('a copy holds under the key that was told, with its file of keys and without; a flipped bit is found, the leaf named', async () => {
  const first = await copy('copy', ['--key', key]);
  expect([first.code, JSON.parse(first.out)]).toMatchObject([0, { ok: true }]);
  const verify = (of: string, ...more: readonly string[]) =>
    perdure(['ledger', 'verify', of, '--key', key, ...more], { cwd: folder });
  expect((await verify('copy')).out).toContain('every leaf, tile, key and signature holds');
  cpSync(join(folder, 'copy'), join(folder, 'keyless'), { recursive: true });
  rmSync(join(folder, 'keyless/keys'));
  expect((await verify('keyless')).code).toBe(0);
  const without = await perdure(['ledger', 'verify', 'keyless'], { cwd: folder });
  expect([without.code, without.out]).toEqual([3, expect.stringContaining('without it a key must be given')]);

  const { logs } = JSON.parse(first.out) as Copied;
  const bundle = join(folder, `copy/tile/entries/000.p/${logs[0]?.size}`);
  const bytes = readFileSync(bundle);
  const at = bytes.indexOf('}') + 80;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(bundle, bytes);
  const broken = await verify('copy');
  expect([broken.code, broken.out]).toEqual([3, expect.stringContaining('FAULT   leaf 1: ')]);
  // Nor is it called whole by another copy into the same folder.
  const again = await copy('copy', ['--key', key]);
  expect([again.code, (JSON.parse(again.out) as Copied).ok]).toEqual([3, false]);
});

test('a later copy fetches what is new, and no more', async () => {
  expect((await copy('later', ['--key', key])).code).toBe(0);
  expect(JSON.parse((await copy('later', ['--key', key])).out)).toMatchObject({ ok: true, fetched: 0 });
  await calls(2);
  const more = JSON.parse((await copy('later', ['--key', key])).out) as Copied;
  expect([more.ok, more.fetched, more.logs[0]?.size]).toEqual([true, 2, await size()]);
});

test('what is refused: a key without the scope, another key of the log, an address that is none, a home that is none', async () => {
  const told = async (work: ReturnType<typeof perdure>): Promise<unknown> => {
    const { code, err } = await work;
    return [code, err];
  };
  expect(await told(copy('x', [], CALLER))).toEqual([3, expect.stringContaining('PERDURE_API_KEY')]);
  const other = key.replace(/.{4}$/, 'AAAA');
  expect((await copy('x', ['--key', other])).code).not.toBe(0);
  expect(await told(perdure(['ledger', 'copy', 'nowhere', 'x'], { cwd: folder }))).toEqual([
    2,
    expect.stringContaining('no http or https address'),
  ]);
  const env = { PERDURE_API_KEY: AUDITOR };
  expect(await told(perdure(['ledger', 'copy', `${stack.url}/ledger/elsewhere`, 'x'], { cwd: folder, env }))).toEqual([
    1,
    expect.stringContaining('there is no log'),
  ]);
});
