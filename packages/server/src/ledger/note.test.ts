import { createPrivateKey, createPublicKey, sign, verify as verifyNode } from 'node:crypto';
import { expect, test } from 'vitest';
import { fromBase64, toHex } from './base64.ts';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import {
  decodeLeaf,
  encodeLeaf,
  auditLeafKind,
  LEAF_KINDS,
  leafForm,
  leafEntry,
  leafKindOf,
  makeKeyChange,
  readKeyChange,
} from './leaf.ts';
import {
  cosignature,
  cosignedAt,
  cosignedMessage,
  formatNote,
  formatVerifier,
  keyIdOf,
  MAX_NOTE_SIGNATURES,
  parseNote,
  parseVerifier,
  signedBy,
  type Signer,
  signNote,
  utf8,
  type VerifyEd25519,
} from './note.ts';
import { EVENT_CODES } from '../log/codec.ts';
import { sha256 } from './rfc6962.test-support.ts';

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const verify: VerifyEd25519 = (publicKey, message, signature) =>
  verifyNode(
    null,
    message,
    createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' }),
    signature,
  );

function signer(name: string, seed: number): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' });
  const publicKey = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length));
  return { name, type: 1, publicKey, sign: message => new Uint8Array(sign(null, message, key)) };
}

/** The example of Go's `golang.org/x/mod/sumdb/note`. */
const GO_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_NOTE =
  'If you think cryptography is the answer to your problem,\nthen you don\u2019t know what your problem is.\n';
const GO_SIGNED =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
/** The example of c2sp.org/tlog-cosignature. */
const C2SP_COSIGNED =
  'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
  '\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
  '\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n';

test('a note of Go is read, and holds; another text under its signature does not', () => {
  const key = parseVerifier(sha256, GO_KEY);
  const note = parseNote(GO_SIGNED);
  if (key === null || note === null) throw new Error('not read');
  expect(formatVerifier(sha256, key)).toBe(GO_KEY);
  expect(formatNote(note)).toBe(GO_SIGNED);
  expect(signedBy(sha256, verify, note, key)).toBe('valid');
  expect(signedBy(sha256, verify, { ...note, text: GO_NOTE }, key)).toBe('bad');
  expect(signedBy(sha256, verify, note, { ...key, name: 'Other' })).toBe('absent');
});

test('a key whose id is not its own is none', () => {
  expect(parseVerifier(sha256, GO_KEY.replace('c74f20a3', 'c74f20a4'))).toBeNull();
  expect(parseVerifier(sha256, GO_KEY.replace('PeterNeumann', 'Peter Neumann'))).toBeNull();
  expect(parseVerifier(sha256, 'PeterNeumann+c74f20a3+ARpc')).toBeNull();
});

test('the cosigned checkpoint of C2SP is read, with the time of its witness', () => {
  const note = parseNote(C2SP_COSIGNED);
  const [, witness] = note?.signatures ?? [];
  expect(witness?.name).toBe('witness.example.com/w1');
  expect(witness?.keyId).toBe('8d66cf3f');
  expect(witness === undefined ? null : cosignedAt(witness.signature)).toBe(1_679_315_147n);
  expect(new TextDecoder().decode(cosignedMessage(note?.text ?? '', 1_679_315_147n))).toBe(
    'cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
  );
});

test('a cosignature holds for its text and its time only', () => {
  const witness = { ...signer('witness.example/w', 3), type: 4 as const };
  const text = 'example.com/log\n1\nx\n';
  const signed = cosignature(1_700_000_000n, witness.sign(cosignedMessage(text, 1_700_000_000n)));
  const note = { text, signatures: [{ name: witness.name, keyId: keyIdOf(sha256, witness), signature: signed }] };
  expect(signedBy(sha256, verify, note, witness)).toBe('valid');
  expect(signedBy(sha256, verify, { ...note, text: 'example.com/log\n2\nx\n' }, witness)).toBe('bad');
  const later = signed.slice();
  later[7] = 1;
  const [only] = note.signatures;
  if (only === undefined) throw new Error('no signature');
  expect(signedBy(sha256, verify, { text, signatures: [{ ...only, signature: later }] }, witness)).toBe('bad');
  expect(signedBy(sha256, verify, note, { ...witness, type: 1 })).toBe('absent');
});

test('what is no note is not read', () => {
  for (const wrong of [
    'text\n',
    'text\n\n',
    'text\n\n\u2014 name',
    'text\n\n- name AAAAAAAA\n',
    'text\n\n\u2014 name AAAA\n',
    'te\rxt\n\n\u2014 name AAAAAAAA\n',
    'text\n\n\u2014 na+me AAAAAAAA\n',
    'text\n\n\u2014 name AAAAAAB=\n',
    '',
  ])
    expect([wrong, parseNote(wrong)]).toEqual([wrong, null]);
  const lines = (count: number): string => `text\n\n${'\u2014 name AAAAAAAA\n'.repeat(count)}`;
  expect(parseNote(lines(MAX_NOTE_SIGNATURES))?.signatures).toHaveLength(MAX_NOTE_SIGNATURES);
  expect(parseNote(lines(MAX_NOTE_SIGNATURES + 1))).toBeNull();
});

test('a checkpoint has one form', () => {
  const root = fromBase64('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=') ?? new Uint8Array(0);
  const checkpoint = { origin: 'example.com/log', size: 20_852_163, root, cursor: 7, audit: null, next: null };
  const text = formatCheckpoint(checkpoint);
  expect(text).toBe('example.com/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nperdure-cursor 7\n');
  expect(parseCheckpoint(text)).toEqual(checkpoint);
  for (const wrong of [
    text.replace('20852163', '020852163'),
    text.replace('20852163', '-1'),
    text.replace('Csu', ''),
    `${text}more\n`,
    text.replace('q2I=', 'q2J='),
    text.replace('cursor 7', 'cursor 7.0'),
  ].filter(one => one !== text))
    expect([wrong, parseCheckpoint(wrong)]).toEqual([wrong, null]);
});

test('the bytes of leaves (L12)', () => {
  const digest = new Uint8Array(32).fill(0xab);
  const placement =
    '{"v":1,"kind":"placement","digest":"abababababababababababababababababababababababababababababababab"}';
  expect(encodeLeaf({ kind: 'placement', digest })).toBe(placement);
  expect(decodeLeaf(utf8(placement))).toEqual({ kind: 'placement', digest });
  for (const wrong of [
    placement.replace('"v":1', '"v":2'),
    placement.replace(',"digest"', ', "digest"'),
    placement.replace('placement', 'Placement'),
    placement.replace('placement', 'key'),
    placement.replace('placement', `p${'x'.repeat(32)}`),
    placement.replace('abab', 'ABAB'),
    placement.replace('}', ',"tenant":"acme"}'),
    placement.slice(1),
  ])
    expect([wrong, decodeLeaf(utf8(wrong))]).toEqual([wrong, null]);
});

test('a form lays down the bytes of its leaf, for every kind', () => {
  const digests = Uint8Array.from({ length: 96 }, (_, at) => at * 7);
  for (const kind of [...Object.keys(LEAF_KINDS), 'activation', 'audit', `a${'9'.repeat(31)}`]) {
    const form = leafForm(kind);
    for (const from of [0, 32, 64]) {
      form.lay(digests, from);
      const entry = leafEntry({ kind, digest: digests.slice(from, from + 32) });
      expect(toHex(form.entry)).toBe(toHex(entry));
      expect(toHex(form.message)).toBe(`00${toHex(entry)}`);
      expect(decodeLeaf(form.entry)?.kind).toBe(kind);
    }
  }
  const key = { kind: 'key' as const, note: '\u2014 "x"\n' };
  expect(toHex(leafEntry(key))).toBe(toHex(utf8(encodeLeaf(key))));
});

test('every event that has a leaf has one kind of it', () => {
  const listed = Object.values(LEAF_KINDS).flat();
  expect(new Set(listed).size).toBe(listed.length);
  expect(leafKindOf(EVENT_CODES['call.placed'])).toBe('placement');
  expect(leafKindOf(EVENT_CODES['state.placed'])).toBe('placement');
  expect(leafKindOf(EVENT_CODES['call.failed'])).toBe('meter');
  expect(leafKindOf(EVENT_CODES['input.accepted'])).toBeNull();
});

test('every entry of the audit has a leaf, of a kind that is no event\u2019s', () => {
  const kinds = {
    'activation.requested': 'activation',
    'waiver.revoked': 'waiver',
    'event.recorded': 'event',
    'key.created': 'api_key',
    'refusal_right.offered': 'refusal_right',
    placement: 'audit',
    'meter.x': 'audit',
    'Odd "one".made': 'audit',
    '': 'audit',
    [`${'a'.repeat(33)}.b`]: 'audit',
  };
  for (const [action, kind] of Object.entries(kinds)) expect([action, auditLeafKind(action)]).toEqual([action, kind]);
});

test('a checkpoint says how far the audit is sealed, if any of it is', () => {
  const root = new Uint8Array(32);
  const checkpoint = { origin: 'o', size: 9, root, cursor: 7, audit: { position: 12, leaf: 8 }, next: null };
  const text = formatCheckpoint(checkpoint);
  expect(text.endsWith('perdure-cursor 7\nperdure-audit 12 8\n')).toBe(true);
  expect(parseCheckpoint(text)).toEqual(checkpoint);
  for (const audit of [null, checkpoint.audit]) {
    const next = formatCheckpoint({ ...checkpoint, audit, next: 20 });
    expect(next.endsWith('\nperdure-next-audit 20\n')).toBe(true);
    expect(parseCheckpoint(next)).toEqual({ ...checkpoint, audit, next: 20 });
    expect(parseCheckpoint(next.replace('audit 20', 'audit 2.5'))).toBeNull();
  }
  for (const wrong of [
    'perdure-audit 12\n',
    'perdure-audit 12 8 1\n',
    'perdure-audit 12 -8\n',
    'perdure-audit 012 8\n',
    'other 12 8\n',
  ])
    expect([wrong, parseCheckpoint(text.replace('perdure-audit 12 8\n', wrong))]).toEqual([wrong, null]);
});

test('a change of keys is signed by both, and names its log', () => {
  const [old, next, other] = [signer('perdure/l', 1), signer('perdure/l', 2), signer('perdure/l', 3)];
  const leaf = makeKeyChange(sha256, 'perdure/l', old, next);
  if (!('note' in leaf)) throw new Error('no change of keys');
  expect(decodeLeaf(utf8(encodeLeaf(leaf)))).toEqual(leaf);
  const change = readKeyChange(sha256, verify, leaf.note);
  expect([change?.origin, toHex(change?.to.publicKey ?? old.publicKey)]).toEqual(['perdure/l', toHex(next.publicKey)]);
  const note = parseNote(leaf.note);
  if (note === null) throw new Error('no note');
  expect(readKeyChange(sha256, verify, formatNote({ ...note, signatures: note.signatures.slice(0, 1) }))).toBeNull();
  expect(readKeyChange(sha256, verify, formatNote(signNote(sha256, note.text, [old, other])))).toBeNull();
  expect(readKeyChange(sha256, verify, leaf.note.replace('perdure/l\n', 'perdure/m\n'))).toBeNull();
});
