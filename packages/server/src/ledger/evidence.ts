/** What is handed to an outsider: a proof as c2sp.org/tlog-proof, and a Sigstore bundle around an in-toto statement (DSSE). */
import { toBase64, toHex } from './base64.ts';
import { keyIdOf, type Signer, utf8 } from './note.ts';
import type { Sha256 } from './hash.ts';

export interface Evidence {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly path: readonly Uint8Array[];
  /** The signed checkpoint, as served. */
  readonly checkpoint: string;
}

/** @param extra what the leaf's digest was made of, if it is shown */
export function formatProof({ index, path, checkpoint }: Evidence, extra: string | null): string {
  const head = `c2sp.org/tlog-proof@v1\n${extra === null ? '' : `extra ${toBase64(utf8(extra))}\n`}index ${index}\n`;
  return `${head}${path.map(hash => `${toBase64(hash)}\n`).join('')}\n${checkpoint}`;
}

/** The event that a leaf is of: `SHA-256(previous, envelope)` is the digest in the leaf. */
export interface Opened {
  readonly name: string;
  readonly digest: Uint8Array;
  readonly previous: Uint8Array;
  readonly envelope: string;
}

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'urn:perdure:ledger:inclusion:v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export function statementOf(evidence: Evidence, opened: Opened): string {
  return JSON.stringify({
    _type: STATEMENT_TYPE,
    subject: [{ name: opened.name, digest: { sha256: toHex(opened.digest) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      leafIndex: evidence.index,
      leaf: toBase64(evidence.leaf),
      inclusionProof: evidence.path.map(toBase64),
      checkpoint: evidence.checkpoint,
      opening: { previous: toHex(opened.previous), envelope: opened.envelope },
    },
  });
}

/** What a DSSE signature is over: the type and the payload, each after its length. */
export function preAuthentication(type: string, payload: Uint8Array): Uint8Array {
  const head = utf8(`DSSEv1 ${utf8(type).length} ${type} ${payload.length} `);
  const whole = new Uint8Array(head.length + payload.length);
  whole.set(head);
  whole.set(payload, head.length);
  return whole;
}

/** Sigstore bundle v0.3 in its JSON form: signed by the log's key, which whoever verifies must know. */
export function formatBundle(sha256: Sha256, statement: string, signer: Signer): string {
  const payload = utf8(statement);
  const keyid = keyIdOf(sha256, signer);
  const sig = toBase64(signer.sign(preAuthentication(PAYLOAD_TYPE, payload)));
  return `${JSON.stringify({
    mediaType: MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: keyid }, tlogEntries: [] },
    dsseEnvelope: { payload: toBase64(payload), payloadType: PAYLOAD_TYPE, signatures: [{ sig, keyid }] },
  })}\n`;
}
