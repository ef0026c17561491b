/** Finds the leaf of a placement, and what shows that it is the one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '../../engine/ledger/log-file.ts';
import { LogReader } from '../../engine/ledger/log-reader.ts';
import { homeTag, bodyHome, parsePlacementId } from '../../kernel/ids.ts';
import { toHex } from '../../ledger/base64.ts';
import type { Evidence, Opened } from '../../ledger/evidence.ts';
import { leafHash, sameBytes } from '../../ledger/hash.ts';
import { encodeLeaf, LEAF_KINDS, leafKindOf } from '../../ledger/leaf.ts';
import { formatNote, utf8 } from '../../ledger/note.ts';
import { includes } from '../../ledger/proof.ts';
import { EVENT_CODES } from '../../log/codec.ts';
import { openPathBlobs } from '../../store/blobs/path-blobs.ts';
import { type Opening, openLedgerSource, type SqliteLedgerSource } from '../../store/sqlite/ledger-source.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { Config } from '../config/config.ts';
import { sealingSha256 as sha256 } from './digest.ts';
import type { LogFolder } from './folders.ts';
import { logFolder } from './place.ts';

/** Events after the beginning of a turn among which its calls are looked for: a turn makes few. */
const TURN_EVENTS = 1000;

/** Checked against the checkpoint before it is given. @throws CliError */
export async function evidenceOf({ folder }: LogFolder, index: number): Promise<Evidence & { origin: string }> {
  const blobs = openPathBlobs(folder);
  const signed = await loadCheckpoint(blobs);
  const size = signed?.checkpoint.size ?? 0;
  if (signed === null || index >= size)
    throw new CliError(EXIT.failed, `the log has ${size} leaves: there is no leaf ${index}`);
  const reader = new LogReader(blobs, sha256, size);
  const leaf = await reader.entry(index);
  const path = await reader.inclusion(index, size);
  const { root, origin } = signed.checkpoint;
  if (!includes(sha256, { index, size, leaf: leafHash(sha256, leaf), path, root }))
    throw new CliError(EXIT.refused, `leaf ${index} does not follow from the checkpoint`, {
      hint: '"perdure ledger verify" says what is wrong.',
    });
  return { index, leaf, path, checkpoint: formatNote(signed.note), origin };
}

/** @throws CliError */
export async function evidenceOfPlacement(
  config: Config,
  id: string,
): Promise<{ readonly evidence: Evidence; readonly opened: Opened; readonly origin: string }> {
  const place = parsePlacementId(id);
  const home = config.homes.find(one => place !== null && homeTag(one.id) === bodyHome(place.body))?.id;
  if (place === null || home === undefined || !existsSync(join(config.data, `${home}.db`)))
    throw new CliError(EXIT.failed, `there is no placement ${id} in ${config.data}`);
  const source = openLedgerSource(config.data, home);
  try {
    const opening = openingOf(source, place);
    if (opening === null) throw new CliError(EXIT.failed, `there is no placement ${id} in ${config.data}`);
    const log = { home, folder: logFolder(config.data, home) };
    const index = await indexOf(log, source, opening);
    if (index === null)
      throw new CliError(EXIT.failed, `${id} is not sealed yet`, { hint: 'It is within a second, if a server runs.' });
    const { origin, ...evidence } = await evidenceOf(log, index);
    return { evidence, opened: { name: id, ...opening }, origin };
  } finally {
    source.close();
  }
}

function openingOf(source: SqliteLedgerSource, { body, part }: { body: string; part: number }): Opening | null {
  const response = source.response(`resp_${body}`);
  const session = response?.session ?? `sess_${body}`;
  const code = EVENT_CODES[part === 0 ? 'state.placed' : 'call.placed'];
  const event = source.events(session, response?.fromSeq ?? 1, TURN_EVENTS).find(one => {
    // What a head says usually is left out of it: the first call.
    const call = one.code === EVENT_CODES['call.placed'] ? ((JSON.parse(one.head) as { call?: number }).call ?? 1) : 0;
    return one.code === code && call === part;
  });
  return event === undefined ? null : source.opening(session, event.seq);
}

/** Where the leaf lies: as many leaves come before it as events that have one; changes of keys come on top of that. */
async function indexOf(log: LogFolder, source: SqliteLedgerSource, opening: Opening): Promise<number | null> {
  const codes = Object.values(LEAF_KINDS).flatMap(types => types.map(type => EVENT_CODES[type]));
  const kind = leafKindOf(opening.code);
  const blobs = openPathBlobs(log.folder);
  const size = (await loadCheckpoint(blobs))?.checkpoint.size ?? 0;
  if (kind === null) return null;
  const wanted = utf8(encodeLeaf({ kind, digest: opening.digest }));
  const reader = new LogReader(blobs, sha256, size);
  for (let index = source.count(opening.position, codes) - 1; index < size; index++) {
    const leaf = await reader.entry(index);
    if (sameBytes(leaf, wanted)) return index;
  }
  return null;
}

export function openedText({ name, digest, previous, envelope }: Opened): string {
  return JSON.stringify({ name, digest: toHex(digest), previous: toHex(previous), envelope });
}
