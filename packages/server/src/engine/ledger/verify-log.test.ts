import { expect, test } from 'vitest';
import { formatVerifier, keyIdOf, cosignature, cosignedMessage, formatNote, utf8 } from '../../ledger/note.ts';
import { sha256 } from '../../main/digest.ts';
import { CHECKPOINT_FILE, COSIGNED_FILE, KEYS_FILE, loadCheckpoint } from './log-file.ts';
import { keptBlobs, type Kept, leavesOf, sealAll, sealerOver, testSigner, verifyEd25519 } from './log.test-support.ts';
import { type Verified, verifyLog } from './verify-log.ts';

/** A log with every kind of file: full and shorter tiles of two levels, a change of keys, a cosigned checkpoint. */
async function makeLog(): Promise<Kept> {
  const [blobs, home] = [keptBlobs(), { events: 400 }];
  const sealer = sealerOver(blobs, home);
  await sealAll(sealer);
  const earlier = (await loadCheckpoint(blobs))?.note;
  if (earlier === undefined) throw new Error('no checkpoint');
  const witness = { ...testSigner(9, 'witness.example/w'), type: 4 as const };
  const line = cosignature(1_700_000_000n, witness.sign(cosignedMessage(earlier.text, 1_700_000_000n)));
  const signature = { name: witness.name, keyId: keyIdOf(sha256, witness), signature: line };
  await blobs.put(COSIGNED_FILE, utf8(formatNote({ ...earlier, signatures: [...earlier.signatures, signature] })));
  await sealer.rotate(testSigner(2));
  home.events = 800;
  await sealAll(sealerOver(blobs, home, { signer: testSigner(2) }));
  return blobs;
}

function check(blobs: Kept, over: Partial<Parameters<typeof verifyLog>[0]> = {}): Promise<Verified> {
  const files = (async function* () {
    yield* blobs.files.keys();
  })();
  return verifyLog({ blobs, files, sha256, verify: verifyEd25519, ...over });
}

test('a log that holds: its size, keys and kinds', async () => {
  const blobs = await makeLog();
  const seen: number[] = [];
  const { faults, size, keys, kinds, beyond } = await check(blobs, { onProgress: leaves => seen.push(leaves) });
  expect(faults).toEqual([]);
  expect([size, beyond]).toEqual([leavesOf(800) + 1, 0]);
  expect(keys.map(key => formatVerifier(sha256, key))).toEqual(
    [testSigner(1), testSigner(2)].map(key => formatVerifier(sha256, key)),
  );
  expect(kinds).toEqual({ placement: 267, meter: 266, key: 1 });
  expect(seen).toEqual([256, 512, size]);
});

test('a trusted key must be one of its keys', async () => {
  const blobs = await makeLog();
  expect((await check(blobs, { trusted: testSigner(2) })).faults).toEqual([]);
  expect((await check(blobs, { trusted: testSigner(3) })).faults).toEqual([
    'the log was never signed by the key that is trusted',
  ]);
});

test('with a trusted key no file of keys is needed, also after a change of keys; a key of none is still refused', async () => {
  const blobs = await makeLog();
  const listed = blobs.files.get(KEYS_FILE);
  await blobs.delete(KEYS_FILE);
  const fault = 'the file keys is missing or empty: without it a key must be given';
  expect((await check(blobs)).faults).toContain(fault);
  for (const seed of [1, 2]) {
    const { faults, keys } = await check(blobs, { trusted: testSigner(seed) });
    expect([faults, keys.length]).toEqual([[], 2]);
  }
  expect((await check(blobs, { trusted: testSigner(3) })).faults).toEqual([
    'the log was never signed by the key that is trusted',
  ]);
  await blobs.put(KEYS_FILE, new Uint8Array(0));
  expect((await check(blobs, { trusted: testSigner(1) })).faults).toContain(fault);
  expect(listed).toBeDefined();

  const home = { events: 10 };
  const single = keptBlobs();
  await sealAll(sealerOver(single, home));
  await single.delete(KEYS_FILE);
  expect((await check(single, { trusted: testSigner(1) })).faults).toEqual([]);
  expect((await check(single, { trusted: testSigner(2) })).faults).not.toEqual([]);
});

test('a checkpoint may carry the lines of witnesses, and no other line that does not hold', async () => {
  const blobs = keptBlobs();
  await sealAll(sealerOver(blobs, { events: 10 }));
  const note = (await loadCheckpoint(blobs))?.note;
  if (note === undefined) throw new Error('no checkpoint');
  const carrying = async (name: string, bytes: number): Promise<readonly string[]> => {
    const line = { name, keyId: '00000000', signature: new Uint8Array(bytes) };
    await blobs.put(CHECKPOINT_FILE, utf8(formatNote({ ...note, signatures: [...note.signatures, line] })));
    return (await check(blobs)).faults;
  };
  const fault = ['the checkpoint carries a signature that does not hold'];
  expect(await carrying('witness.example/w', 72)).toEqual([]);
  expect(await carrying('witness.example/w', 64)).toEqual(fault);
  expect(await carrying('perdure/test', 72)).toEqual(fault);
});

/** Of a witness's line only the log's own part is known here: who knows the witness checks it. */
const unknown = (path: string, bytes: Uint8Array, at: number): boolean =>
  path === COSIGNED_FILE && at >= Buffer.from(bytes).lastIndexOf('\u2014 witness');

test('any bit that is flipped in any file is found', async () => {
  const blobs = await makeLog();
  let flips = 0;
  for (const [path, bytes] of new Map(blobs.files)) {
    // All over the file, and its last byte, which may be one half-used by base 64.
    const step = bytes.length < 600 ? 13 : Math.floor(bytes.length / 12);
    for (let at = 0; at < bytes.length; at += step) {
      const where = at + step >= bytes.length ? bytes.length - 1 : at;
      if (unknown(path, bytes, where)) continue;
      const bit = 1 << (where % 8);
      await blobs.put(
        path,
        bytes.map((byte, i) => (i === where ? byte ^ bit : byte)),
      );
      const found = await check(blobs).then(
        ({ faults }) => faults.length > 0,
        () => true,
      );
      expect([path, where, found]).toEqual([path, where, true]);
      flips += 1;
    }
    await blobs.put(path, bytes);
  }
  expect(flips).toBeGreaterThan(150);
  expect((await check(blobs)).faults).toEqual([]);
});

test('the leaf that fails is named', async () => {
  const blobs = await makeLog();
  const bundle = blobs.files.get('tile/entries/001') ?? new Uint8Array(0);
  // The 4th entry of the second bundle, within its digest.
  const changed = bundle.slice();
  const at = 3 * (bundle.indexOf('}'.charCodeAt(0)) + 1) + 60;
  changed[at] = changed[at] === 0x61 ? 0x62 : 0x61;
  await blobs.put('tile/entries/001', changed);
  const { faults } = await check(blobs);
  expect(faults[0]).toBe('leaf 259: it is not what its hash in tile/0/001 says');
  // No hash was changed, so nothing else is at fault but shorter forms of the same bundle.
  expect(faults.slice(1).filter(fault => !fault.startsWith('tile/entries/001'))).toEqual([]);
});

test('a file that is missing, or is none of a log, or lies beyond the checkpoint', async () => {
  const blobs = await makeLog();
  await blobs.put('tile/0/009', new Uint8Array(8192));
  await blobs.put('tile/0/002.p/9.123.4.tmp', new Uint8Array(7));
  expect(await check(blobs)).toMatchObject({ faults: [], beyond: 2 });
  await blobs.put('notes.txt', utf8('x'));
  expect((await check(blobs)).faults).toEqual(['notes.txt is no file of a log']);
  await blobs.delete('notes.txt');
  for (const path of ['tile/0/000', 'tile/entries/000', 'keys', 'tile/1/000.p/2']) {
    const kept = blobs.files.get(path) ?? new Uint8Array(0);
    await blobs.delete(path);
    expect([path, (await check(blobs)).faults.length > 0]).toEqual([path, true]);
    await blobs.put(path, kept);
  }
});
