/** A log as it is served: what the newest checkpoint covers, and no byte beyond it. */
import { perdureError } from '@perdure/protocol';
import { COSIGNED_FILE, KEYS_FILE, loadCheckpoint, readSignedCheckpoint, text } from '../../engine/ledger/log-file.ts';
import type { Blobs } from '../../engine/ports.ts';
import type { LedgerView } from '../../http/types.ts';
import { formatNote, type Note, parseVerifier, signedBy, type Verifier, utf8 } from '../../ledger/note.ts';
import { parseTilePath, TILE_WIDTH, widthAt } from '../../ledger/tile.ts';
import { openPathBlobs } from '../../store/blobs/path-blobs.ts';
import { sha256 } from '../digest.ts';
import { type LedgerPlace, logFolder } from './place.ts';
import { type KeyFor, verifyEd25519 } from './signing-key.ts';

export function makeLedgerView(
  place: LedgerPlace,
  keys: KeyFor,
  options: { readonly public: boolean; readonly witnesses: readonly Verifier[] },
): LedgerView {
  const logs = new Map(place.homes.map(home => [home, openPathBlobs(logFolder(place.data, home))]));
  /** Cosignatures come one after another: none is lost to another that came with it. */
  let last: Promise<unknown> = Promise.resolve();

  return {
    public: options.public,
    async checkpoint(home, which) {
      const blobs = logs.get(home);
      if (blobs === undefined) return null;
      const cosigned = await loadCosigned(blobs);
      if (which === 'cosigned') return cosigned === null ? null : formatNote(cosigned);
      const newest = await loadCheckpoint(blobs);
      if (newest === null) return null;
      return formatNote(cosigned?.text === newest.note.text ? merged(newest.note, cosigned) : newest.note);
    },
    async keys(home) {
      const bytes = (await logs.get(home)?.get(KEYS_FILE)) ?? null;
      return bytes === null ? null : text(bytes, KEYS_FILE);
    },
    async tile(home, path) {
      const [blobs, tile] = [logs.get(home), parseTilePath(path)];
      if (blobs === undefined || tile === null) return null;
      const size = (await loadCheckpoint(blobs))?.checkpoint.size ?? 0;
      if (tile.width > widthAt(size, tile.level, tile.index)) return null;
      const bytes = await blobs.get(path);
      return bytes === null ? null : { bytes, full: tile.width === TILE_WIDTH };
    },
    cosign(home, note) {
      const taking = last.then(() => cosign(logs.get(home), note));
      last = taking.catch(() => undefined);
      return taking;
    },
  };

  async function cosign(blobs: Blobs | undefined, given: string): Promise<number> {
    const signed = readSignedCheckpoint(given);
    if (blobs === undefined || options.witnesses.length === 0)
      throw perdureError('not_found', 'No witness is known here.');
    if (signed === null)
      throw perdureError('invalid_request', 'The body is no checkpoint of this log with signatures.');
    const { note, checkpoint } = signed;
    if (signedBy(sha256, verifyEd25519, note, keys(checkpoint.origin)) !== 'valid')
      throw perdureError('invalid_request', 'The checkpoint does not carry the signature of this log.');
    const newest = await loadCheckpoint(blobs);
    if (newest === null || newest.checkpoint.origin !== checkpoint.origin)
      throw perdureError('invalid_request', 'The checkpoint is of another log.');
    const known = note.signatures.filter(line =>
      options.witnesses.some(
        witness => signedBy(sha256, verifyEd25519, { text: note.text, signatures: [line] }, witness) === 'valid',
      ),
    );
    if (known.length === 0) throw perdureError('invalid_request', 'No witness that is known here has signed it.');
    const before = await loadCosigned(blobs);
    const older = before === null ? null : readSignedCheckpoint(formatNote(before));
    // An older checkpoint says less than the one that is there.
    if (older !== null && older.checkpoint.size > checkpoint.size) return 0;
    const own = note.signatures.filter(line => signedByLog(line, note, keys(checkpoint.origin)));
    const base: Note = before?.text === note.text ? before : { text: note.text, signatures: own };
    await blobs.put(COSIGNED_FILE, utf8(formatNote(merged(base, { text: note.text, signatures: known }))));
    return known.length;
  }
}

function signedByLog(line: Note['signatures'][number], note: Note, log: Verifier): boolean {
  return signedBy(sha256, verifyEd25519, { text: note.text, signatures: [line] }, log) === 'valid';
}

/** The first note's lines, then those of the second whose key has none there yet; a witness's newer line replaces its older one. */
function merged(first: Note, second: Note): Note {
  const name = (line: Note['signatures'][number]): string => `${line.name} ${line.keyId}`;
  const lines = new Map([...first.signatures, ...second.signatures].map(line => [name(line), line]));
  return { text: first.text, signatures: [...lines.values()] };
}

async function loadCosigned(blobs: Blobs): Promise<Note | null> {
  const bytes = await blobs.get(COSIGNED_FILE);
  return bytes === null ? null : (readSignedCheckpoint(text(bytes, COSIGNED_FILE))?.note ?? null);
}

/** @throws an error that names the one that is none */
export function witnessesOf(texts: readonly string[]): readonly Verifier[] {
  return texts.map(one => {
    const witness = parseVerifier(sha256, one);
    if (witness?.type !== 4) throw new Error(`${JSON.stringify(one)} is no witness's key (name+id+key, of type 4)`);
    return witness;
  });
}
