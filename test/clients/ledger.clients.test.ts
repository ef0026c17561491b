/** The ledger as outsiders meet it: Go's transparency log library, stock Sigstore, a witness, an auditor with a copied folder. */
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { buildGoVerifier, type GoVerifier } from '../support/go.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const AUDITOR = 'ledger-auditor-key-0123456789';
const CALLER = 'ledger-caller-key-0123456789';
const OPERATOR = 'ledger-operator-key-0123456789';
const SECRET = 'what nobody may find in a ledger';
const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** A witness by the words of c2sp.org/tlog-cosignature, with none of our code. */
function makeWitness(name: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
  const typed = Buffer.concat([Buffer.of(4), raw]);
  const id = sha256(`${name}\n`, typed).subarray(0, 4);
  return {
    key: `${name}+${id.toString('hex')}+${typed.toString('base64')}`,
    cosign(note: string, time: number): string {
      const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(BigInt(time));
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), privateKey);
      return `${note}\u2014 ${name} ${Buffer.concat([id, stamp, signature]).toString('base64')}\n`;
    },
  };
}

const witness = makeWitness('witness.example/w1');
const stranger = makeWitness('stranger.example/w1');
let go: GoVerifier;
let stack: Stack;
let copies: string;
let placements: readonly string[];

beforeAll(async () => {
  go = await buildGoVerifier();
  copies = mkdtempSync(join(tmpdir(), 'perdure-ledger-copies-'));
  stack = await startStack({
    clouds: ['azure'],
    config: {
      ledger: { interval_ms: 100, origin: 'ledger.example', witnesses: [witness.key] },
      keys: [
        { name: 'caller', secret: CALLER },
        { name: 'auditor', secret: AUDITOR, tenant: 'audit', scopes: ['auditor'] },
        { name: 'operator', secret: OPERATOR, scopes: ['operator', 'admin'] },
      ],
    },
  });
  const openai = stack.openai(CALLER);
  const made: string[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const { response } = await openai.responses
      .create({ model: MODEL, input: `${SECRET} ${turn}`, store: turn % 2 === 0 })
      .withResponse();
    made.push(response.headers.get('perdure-placement') ?? '');
  }
  placements = made;
  // What the configuration settles, the activation of its contracts and its 3 keys; 4 sessions with a state each, 8 placements, 8 meters.
  await sealedTo(25);
});

afterAll(async () => {
  await stack.close();
  go.remove();
  rmSync(copies, { recursive: true, force: true });
});

const log = (): string => join(stack.data, 'ledger', 'local');
const ask = (path: string, key?: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${stack.url}/ledger/local/${path}`, {
    ...init,
    headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }) },
  });
const keysOf = async (): Promise<readonly string[]> => {
  const { out } = await perdure(['ledger', 'keys', '--json', '--data', stack.data], { cwd: copies });
  return (JSON.parse(out) as { data: { key: string }[] }).data.map(({ key }) => key);
};

/** Waits until the log has this size, and no other at the end. */
async function sealedTo(size: number): Promise<void> {
  const file = join(log(), 'checkpoint');
  let found = -1;
  for (const end = Date.now() + 60_000; Date.now() < end && found < size; ) {
    if (existsSync(file)) found = Number(readFileSync(file, 'utf8').split('\n')[1]);
    if (found < size) await new Promise(resolve => setTimeout(resolve, 50));
  }
  if (found !== size) throw new Error(`the log has ${found} leaves, not ${size}: ${stack.notes.join('; ')}`);
}

test('Go verifies the log, from a copied folder and over HTTP, with the key that we tell', async () => {
  const copy = join(copies, 'go');
  cpSync(log(), copy, { recursive: true });
  const keys = await keysOf();
  expect(keys).toHaveLength(1);
  const expected = { origin: 'ledger.example/ledger/local', size: 25, signatures: 1, inclusion: 25, consistency: 25 };
  expect(await go.verify(copy, keys)).toMatchObject(expected);
  expect(await go.verify(`${stack.url}/ledger/local`, keys, AUDITOR)).toMatchObject(expected);
  await expect(go.verify(copy, [stranger.key])).rejects.toThrow();
  const tile = join(copy, 'tile/0/000.p/25');
  const bytes = readFileSync(tile);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(tile, bytes);
  await expect(go.verify(copy, keys)).rejects.toThrow(/tile|hash|leaf|size|inconsistent/i);
});

test('verify reads a copy offline and names the leaf that was changed', async () => {
  const copy = join(copies, 'own');
  cpSync(log(), copy, { recursive: true });
  const [key = ''] = await keysOf();
  const whole = await perdure(['ledger', 'verify', copy, '--key', key, '--json'], { cwd: copies });
  expect(JSON.parse(whole.out)).toMatchObject({
    ok: true,
    logs: [{ size: 25, kinds: { placement: 12, meter: 8, activation: 1, settings: 1, api_key: 3 } }],
  });
  expect(whole.code).toBe(0);
  const bundle = join(copy, 'tile/entries/000.p/25');
  const bytes = readFileSync(bundle);
  // A digit of the digest of the second entry.
  const at = bytes.indexOf('}') + 80;
  bytes[at] = bytes[at] === 0x61 ? 0x62 : 0x61;
  writeFileSync(bundle, bytes);
  const broken = await perdure(['ledger', 'verify', copy], { cwd: copies });
  expect(broken.code).toBe(3);
  expect(broken.out).toContain('FAULT   leaf 1: it is not what its hash in tile/0/000 says');
});

interface Statement {
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicate: {
    readonly leafIndex: number;
    readonly leaf: string;
    readonly inclusionProof: readonly string[];
    readonly checkpoint: string;
    readonly opening: { readonly previous: string; readonly envelope: string };
  };
}

/** Verified by stock Sigstore, and by hand: the opening makes the digest, the digest the leaf, the leaf and the path the root. */
async function verifiedBundle(
  id: string,
  ...flags: readonly string[]
): Promise<Statement['predicate'] & { readonly kind: string }> {
  const file = join(copies, 'evidence.sigstore.json');
  const { code } = await perdure(['ledger', 'bundle', id, ...flags, '--data', stack.data, '--out', file], {
    cwd: copies,
  });
  expect([id, code]).toEqual([id, 0]);
  const { out } = await perdure(['ledger', 'keys', '--json', '--data', stack.data], { cwd: copies });
  const pem = (JSON.parse(out) as { data: { pem: string }[] }).data[0]?.pem ?? '';
  const bundle = bundleFromJSON(JSON.parse(readFileSync(file, 'utf8')));
  const none = { mediaType: '', tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] };
  const trust = (key: string) =>
    toTrustMaterial(none, () => ({
      publicKey: createPublicKey(key),
      validFor: () => true,
    }));
  const options = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
  new Verifier(trust(pem), options).verify(toSignedEntity(bundle));
  const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString();
  expect(() => new Verifier(trust(other), options).verify(toSignedEntity(bundle))).toThrow('signature');

  if (bundle.content.$case !== 'dsseEnvelope') throw new Error('no envelope');
  const { subject, predicate } = JSON.parse(bundle.content.dsseEnvelope.payload.toString()) as Statement;
  const { opening, leaf, checkpoint } = predicate;
  const digest = sha256(Buffer.from(opening.previous, 'hex'), opening.envelope).toString('hex');
  expect(subject).toEqual([{ name: id, digest: { sha256: digest } }]);
  const entry = Buffer.from(leaf, 'base64');
  const { kind, ...rest } = JSON.parse(entry.toString()) as { kind: string };
  expect(rest).toEqual({ v: 1, digest });
  let [index, last] = [predicate.leafIndex, Number(checkpoint.split('\n')[1]) - 1];
  let root = sha256(Buffer.of(0), entry);
  for (const hash of predicate.inclusionProof.map(text => Buffer.from(text, 'base64'))) {
    if (index % 2 === 1 || index === last) {
      root = sha256(Buffer.of(1), hash, root);
      while (index % 2 === 0 && index !== 0) [index, last] = [index >> 1, last >> 1];
    } else root = sha256(Buffer.of(1), root, hash);
    [index, last] = [index >> 1, last >> 1];
  }
  expect(root.toString('base64')).toBe(checkpoint.split('\n')[2]);
  return { ...predicate, kind };
}

test('a bundle is verified by stock Sigstore, and shows the placement that its leaf is of', async () => {
  const { kind, opening } = await verifiedBundle(placements[0] ?? '');
  expect(kind).toBe('placement');
  expect(opening.envelope).toContain('azure-1');
  expect(opening.envelope).not.toContain(SECRET);
});

test('a proof in the form of C2SP, by placement and by number; consistency; what is not there', async () => {
  const inFolder = (...args: readonly string[]) => perdure(['ledger', ...args, '--data', stack.data], { cwd: copies });
  const byNumber = await inFolder('prove', '3');
  expect(byNumber.out).toMatch(
    /^c2sp\.org\/tlog-proof@v1\nindex 3\n([A-Za-z0-9+/]{43}=\n){5}\nledger\.example\/ledger\/local\n25\n/,
  );
  for (const placement of placements) {
    const { code, out } = await inFolder('prove', placement);
    expect([placement, code, /^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex \d+\n/.test(out)]).toEqual([
      placement,
      0,
      true,
    ]);
  }
  expect((await inFolder('consistency', '7', '25')).out).toContain('the later tree begins with the earlier one');
  expect((await inFolder('consistency', '7', '26')).code).toBe(2);
  expect((await inFolder('prove', '25')).err).toContain('there is no leaf 25');
  expect((await inFolder('prove', 'plc_nothing')).err).toContain('there is no plc_nothing');
});

test('over HTTP: with the scope of an auditor only, cached as long as it holds, and not beyond the checkpoint', async () => {
  expect((await ask('checkpoint')).status).toBe(401);
  expect((await ask('checkpoint', CALLER)).status).toBe(403);
  const checkpoint = await ask('checkpoint', AUDITOR);
  expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(checkpoint.headers.get('cache-control')).toBe('private, max-age=1');
  expect(await checkpoint.text()).toBe(readFileSync(join(log(), 'checkpoint'), 'utf8'));
  const tile = await ask('tile/0/000.p/25', AUDITOR);
  expect(tile.headers.get('content-type')).toBe('application/octet-stream');
  expect(tile.headers.get('cache-control')).toBe('private, max-age=3600');
  expect(Buffer.from(await tile.arrayBuffer())).toHaveLength(25 * 32);
  writeFileSync(join(log(), 'tile/0/000.p/26'), Buffer.alloc(26 * 32));
  for (const path of ['tile/0/000.p/26', 'tile/0/000', 'tile/0/..%2f..%2fcheckpoint', 'tile/9/000', 'tile/entries/001'])
    expect([path, (await ask(path, AUDITOR)).status]).toEqual([path, 404]);
  rmSync(join(log(), 'tile/0/000.p/26'));
  expect(
    (await fetch(`${stack.url}/ledger/elsewhere/checkpoint`, { headers: { authorization: `Bearer ${AUDITOR}` } }))
      .status,
  ).toBe(404);
});

test('nothing of a tenant is in what is served: no content, id, name or number of its own', async () => {
  const bytes = Buffer.concat([
    Buffer.from(await (await ask('tile/entries/000.p/25', AUDITOR)).arrayBuffer()),
    Buffer.from(await (await ask('checkpoint', AUDITOR)).arrayBuffer()),
  ]).toString('latin1');
  expect(bytes).toContain('"kind":"placement"');
  for (const word of [SECRET, MODEL, 'azure', 'tenant', 'caller', ...placements.map(id => id.slice(4, 32))])
    expect([word, bytes.includes(word)]).toEqual([word, false]);
});

test('a witness that is known cosigns; the checkpoint is served with its line; others and forgeries are refused', async () => {
  const post = (note: string): Promise<Response> => ask('cosignature', undefined, { method: 'POST', body: note });
  const note = await (await ask('checkpoint', AUDITOR)).text();
  expect((await ask('cosigned', AUDITOR)).status).toBe(404);
  expect((await post(stranger.cosign(note, 1_700_000_000))).status).toBe(400);
  expect((await post(note)).status).toBe(400);
  expect((await post('x'.repeat(70_000))).status).toBe(413);
  const forged = note.replace('\n25\n', '\n26\n');
  expect((await post(witness.cosign(forged, 1_700_000_000))).status).toBe(400);
  const cosigned = witness.cosign(note, 1_700_000_001);
  expect(await (await post(cosigned)).json()).toEqual({ object: 'perdure.cosignature', taken: 1 });
  expect(await (await ask('checkpoint', AUDITOR)).text()).toBe(cosigned);
  expect(await (await ask('cosigned', AUDITOR)).text()).toBe(cosigned);
  expect((await perdure(['ledger', 'verify', stack.data], { cwd: copies })).code).toBe(0);
});

test('what was decided is sealed, each change of it once, and proven by its id', async () => {
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const headers = { authorization: `Bearer ${OPERATOR}`, 'content-type': 'application/json' };
    const answer = await fetch(`${stack.url}/perdure/v1/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    expect([path, answer.ok]).toEqual([path, true]);
    return (await answer.json()) as { id: string };
  };
  const event = await post('events', { event: 'ipo-filed', date: '2026-03-01', source: 'a filing' });
  await post(`events/${event.id}/retract`, {});
  const key = await post('keys', { name: 'sealed' });
  await sealedTo(28);
  const inFolder = (...args: readonly string[]) => perdure(['ledger', ...args, '--data', stack.data], { cwd: copies });
  const first = await verifiedBundle(event.id, '--change', '1');
  const second = await verifiedBundle(event.id);
  expect([first.kind, first.leafIndex, second.leafIndex]).toEqual(['event', 25, 26]);
  expect(JSON.parse(first.opening.envelope)).toMatchObject(
    [expect.any(Number), /^key:/, 'event.recorded', event.id, null, /a filing/].map(one =>
      one instanceof RegExp ? expect.stringMatching(one) : one,
    ),
  );
  expect(second.opening.envelope).toContain('event.retracted');
  expect((await verifiedBundle(key.id)).kind).toBe('api_key');
  expect((await inFolder('prove', event.id)).out).toContain('\nindex 26\n');
  expect((await inFolder('prove', event.id, '--change', '3')).err).toContain('has 2 changes: there is no change 3');
  const copy = join(copies, 'audited');
  cpSync(log(), copy, { recursive: true });
  const verified = await perdure(['ledger', 'verify', copy, '--json'], { cwd: copies });
  expect(JSON.parse(verified.out)).toMatchObject({
    ok: true,
    logs: [{ size: 28, kinds: { event: 2, api_key: 4, activation: 1 } }],
  });
  expect(await go.verify(copy, await keysOf())).toMatchObject({ size: 28 });
});

test('the key is readable by its owner only, and nowhere in the log', () => {
  const file = join(stack.data, 'ledger.key');
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(join(log(), 'ledger.key'))).toBe(false);
});

test('a rotation wants the folder for itself; then the log goes on under the new key, and Go holds it for good under the old one too', async () => {
  const rotate = () => perdure(['ledger', 'rotate', '--data', stack.data], { cwd: copies });
  expect((await rotate()).code).toBe(3);
  await stack.stop();
  expect(await rotate()).toMatchObject({ code: 0 });
  const keys = await keysOf();
  expect(keys).toHaveLength(2);
  // The checkpoint that ends the old key's time is signed by both.
  expect(await go.verify(log(), keys)).toMatchObject({ size: 29, signatures: 2 });
  await stack.restart();
  await stack.openai(CALLER).responses.create({ model: MODEL, input: 'after', store: false });
  await sealedTo(31);
  expect(await go.verify(log(), keys.slice(1))).toMatchObject({ size: 31, signatures: 1 });
  await expect(go.verify(log(), keys.slice(0, 1))).rejects.toThrow();
  const verified = await perdure(['ledger', 'verify', stack.data, '--key', keys[0] ?? '', '--json'], { cwd: copies });
  expect(JSON.parse(verified.out)).toMatchObject({ ok: true, logs: [{ size: 31, kinds: { key: 1 }, keys }] });
});

test('a ledger that is public is read without a key and cached anywhere; one that is off is not there', async () => {
  const open = await startStack({
    clouds: ['azure'],
    config: { ledger: { interval_ms: 100, public: true }, keys: [{ name: 'caller', secret: CALLER }] },
  });
  try {
    const get = (): Promise<Response> => fetch(`${open.url}/ledger/local/checkpoint`);
    let answer = await get();
    for (const end = Date.now() + 30_000; Date.now() < end && answer.status !== 200; answer = await get())
      await new Promise(resolve => setTimeout(resolve, 50));
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=1']);
  } finally {
    await open.close();
  }
  const off = await startStack({ clouds: ['azure'], config: { ledger: { enabled: false } } });
  try {
    expect((await fetch(`${off.url}/ledger/local/checkpoint`)).status).toBe(404);
    expect(existsSync(join(off.data, 'ledger.key'))).toBe(false);
  } finally {
    await off.close();
  }
});
