/** `perdure agents` and `perdure vaults`, through a server that runs as people run it, and on its data folder once it has stopped. */
import { type Emulator, startEmulator } from '@perdure/emulator';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { filesWith } from '../support/data-bytes.ts';
import { type ServerProcess, Workplace } from '../support/server-process.ts';
import { targetOf } from '../support/stack.ts';

const KEYS = { acme: 'cli-acme-key-0123456789', operator: 'cli-operator-key-0123456789' };
const SECRET = 'planted-7c1e9a4d2b860f53';

const place = new Workplace();
let emulator: Emulator;
let server: ServerProcess;
let env: { readonly [name: string]: string };
beforeAll(async () => {
  emulator = await startEmulator({ clouds: ['aws'] });
  place.configure({
    data: './data',
    keys: [
      { name: 'acme', secret: KEYS.acme, tenant: 'acme' },
      { name: 'operator', secret: KEYS.operator, tenant: 'ops', scopes: ['operator'] },
    ],
    targets: [targetOf(emulator, 'aws')],
  });
  server = await place.start();
  env = { PERDURE_URL: server.url, PERDURE_API_KEY: KEYS.acme };
}, 60_000);
afterAll(async () => {
  await place.close();
  await emulator.close();
});

const said: string[] = [];
async function run(argv: readonly string[], over: { readonly [name: string]: string } = {}) {
  const outcome = await perdure(argv, { cwd: place.folder, env: { ...env, ...over } });
  said.push(outcome.out, outcome.err);
  return outcome;
}
const data = (out: string): readonly { readonly [name: string]: unknown }[] =>
  (JSON.parse(out) as { readonly data: readonly { readonly [name: string]: unknown }[] }).data;

test('agents and vaults are listed, rolled back and rotated, over HTTP and in the folder; no secret is ever printed', async () => {
  expect(await run(['agents', 'list'])).toMatchObject({ code: 0, out: 'There are no agents.\n' });
  expect(await run(['vaults', 'list'])).toMatchObject({ code: 0, out: 'There are no vaults.\n' });
  const { agents } = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEYS.acme, maxRetries: 0 }).beta;
  const made = await agents.create({
    model: 'gpt-5.5',
    name: 'Librarian',
    instructions: 'Answer\nfrom the documents.',
    metadata: { team: 'docs' },
    tools: [{ type: 'function', name: 'look_up', description: 'd', parameters: {} }],
  });
  await agents.update(made.id, { model: 'other' });
  const vault = await agents.vaults.create({ name: 'Servers' });
  await agents.vaults.credentials.create(vault.id, {
    name: 'Documents',
    auth: { type: 'static_bearer', mcp_server_url: 'https://docs.example/mcp', token: SECRET },
  });
  await agents.vaults.credentials.create(vault.id, {
    name: 'Variable',
    auth: {
      type: 'environment_variable',
      secret_name: 'API_KEY',
      secret_value: SECRET,
      networking: { type: 'unrestricted' },
    },
  });

  const listed = await run(['agents', 'list']);
  expect(listed.out.split('\n')[0]).toMatch(/^ID +NAME +MODEL +TOOLS +UPDATED$/);
  expect(listed.out).toMatch(new RegExp(`${made.id}  Librarian  other  1      \\d{4}-`));
  expect(data((await run(['agents', 'list', '--json'])).out)).toEqual([await agents.retrieve(made.id)]);
  const shown = await run(['agents', 'show', made.id, '--version', '1']);
  expect(shown.out).toMatch(/^version +1$/m);
  expect(shown.out).toMatch(/^model +gpt-5\.5$/m);
  expect(shown.out).toMatch(/^instructions +Answer from the documents\.$/m);
  expect(shown.out).toMatch(/^metadata +team=docs$/m);
  expect(shown.out).toMatch(/^tool +function look_up$/m);
  expect((await run(['agents', 'show', made.id])).out).toMatch(/^model +other$/m);
  expect(await run(['agents', 'rollback', made.id, '--version', '1'])).toMatchObject({
    code: 0,
    out: `${made.id}: version 3 equals version 1\n`,
  });
  const versions = data((await run(['agents', 'versions', made.id, '--json'])).out);
  expect(versions.map(({ version, model }) => [version, model])).toEqual([
    [3, 'gpt-5.5'],
    [2, 'other'],
    [1, 'gpt-5.5'],
  ]);
  expect((await run(['agents', 'versions', made.id])).out).toMatch(
    /^3 +\S+ +config:acme +version 1 +gpt-5\.5 +Librarian/m,
  );
  expect(await run(['agents', 'show', 'agent_none'])).toMatchObject({ code: 1, out: '' });
  expect(await run(['agents', 'rollback', made.id])).toMatchObject({ code: 2 });
  expect(await run(['agents', 'rollback', made.id, '--version', '0'])).toMatchObject({ code: 2 });
  expect(await run(['agents', 'list', '--tenant', 'acme'])).toMatchObject({ code: 2, out: '' });

  const vaults = await run(['vaults', 'list']);
  expect(vaults.out).toMatch(/Servers +\S+ +Variable +environment_variable +API_KEY$/m);
  expect(vaults.out).toContain('https://docs.example/mcp');
  expect(await run(['vaults', 'rotate-key'])).toMatchObject({
    code: 3,
    err: expect.stringContaining('a key with the scope operator'),
  });
  expect(await run(['vaults', 'rotate-key'], { PERDURE_API_KEY: KEYS.operator })).toMatchObject({
    code: 0,
    out: 'a new master key is in force; vaults that were wrapped anew: 1\n',
  });

  server.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
  // PERDURE_URL goes before the folder.
  expect((await run(['agents', 'list'])).err).toContain(`nobody answers at ${server.url}`);
  env = {};
  const local = ['--tenant', 'acme', '--json'];
  expect(data((await run(['agents', 'list', ...local])).out).map(({ id }) => id)).toEqual([made.id]);
  expect((await run(['agents', 'list'])).out).toBe('There are no agents.\n');
  const rolled = await run(['agents', 'rollback', made.id, '--version', '2', ...local]);
  expect(JSON.parse(rolled.out)).toMatchObject({ version: 4, rolled_back_to: 2, created_by: 'local', model: 'other' });
  const [inFolder] = data((await run(['vaults', 'list', ...local])).out);
  expect(inFolder).toMatchObject({ id: vault.id, credentials: [{ name: 'Variable' }, { name: 'Documents' }] });
  const rotated = await run(['vaults', 'rotate-key', '--json']);
  expect(JSON.parse(rotated.out)).toMatchObject({ object: 'perdure.vault_key_rotated', vaults: 1 });

  // What the server said while it lived, what the commands say, and what lies on the disk.
  const everything = [...said, server.notes(), server.printed()].join('\n');
  expect(everything).toContain(vault.id);
  expect(everything).not.toContain(SECRET);
  expect(filesWith(place.data, SECRET)).toEqual([]);
  expect(filesWith(place.data, 'https://docs.example/mcp').length).toBeGreaterThan(0);
}, 120_000);
