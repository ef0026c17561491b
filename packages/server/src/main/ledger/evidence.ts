/** Finds the leaf of a placement, or of what the audit knows under an id, and what shows that it is the one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { placeOfLeaf, sealedLast } from '../../engine/ledger/leaf-place.ts';
import { loadCheckpoint } from '../../engine/ledger/log-file.ts';
import { LogReader } from '../../engine/ledger/log-reader.ts';
import { parseApprovalId } from '../../engine/tools/approval-id.ts';
import { homeTag, bodyHome, idBody } from '../../kernel/ids.ts';
import { toHex } from '../../ledger/base64.ts';
import type { Evidence, Opened } from '../../ledger/evidence.ts';
import { leafHash } from '../../ledger/hash.ts';
import { formatNote } from '../../ledger/note.ts';
import { includes } from '../../ledger/proof.ts';
import { readBundleEnds } from '../../store/blobs/bundle-ends-file.ts';
import { readPathBlobs } from '../../store/blobs/path-blobs.ts';
import {
  bodyOfPlacement,
  leafOfMeter,
  leafOfPlacement,
  type LeafOf,
  openLedgerOpenings,
  type Opening,
} from '../../store/sqlite/ledger-openings.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { Config } from '../config/config.ts';
import { sealingHash, sealingSha256 as sha256 } from './digest.ts';
import type { LogFolder } from './folders.ts';
import { bundleEndsFile, logFolder } from './place.ts';

/** Checked against the checkpoint before it is given. @throws CliError */
export async function evidenceOf({ folder }: LogFolder, index: number): Promise<Evidence & { origin: string }> {
  const blobs = readPathBlobs(folder);
  const signed = await loadCheckpoint(blobs);
  const size = signed?.checkpoint.size ?? 0;
  if (signed === null || index >= size)
    throw new CliError(EXIT.failed, `the log has ${size} leaves: there is no leaf ${index}`);
  const reader = new LogReader(blobs, sha256, size, sealingHash);
  const [leaf, path] = await Promise.all([reader.entry(index), reader.inclusion(index, size)]);
  const { root, origin } = signed.checkpoint;
  if (!includes(sha256, { index, size, leaf: leafHash(sha256, leaf), path, root }))
    throw new CliError(EXIT.refused, `leaf ${index} does not follow from the checkpoint`, {
      hint: '"perdure ledger verify" says what is wrong.',
    });
  return { index, leaf, path, checkpoint: formatNote(signed.note), origin };
}

type Place = Pick<Config, 'data' | 'homes'>;

interface Found {
  readonly evidence: Evidence;
  readonly opened: Opened;
  readonly origin: string;
}

export interface Which {
  /** Of what was changed several times, which change, from 1; without it the newest. */
  readonly change?: number | undefined;
  /** Of a call's placement: not the placement, but what was metered of that call. */
  readonly meter?: boolean | undefined;
}

/**
 * @param id of a placement, of an approval of a tool, or of what is in the audit: an activation, a waiver, an event, a key, a right
 * @throws CliError
 */
export async function evidenceOfId(config: Place, id: string, { change, meter = false }: Which): Promise<Found> {
  const found = openedEvent(config, id, meter) ?? (meter ? null : openedChange(config, id, change));
  if (found === null)
    throw new CliError(
      EXIT.failed,
      `there is no ${meter ? `meter of ${id}` : id} in ${config.data}`,
      whyNot(id, meter),
    );
  const { home, opening } = found;
  const index = await leafIndexOf(config.data, home, opening);
  if (index === null)
    throw new CliError(EXIT.failed, `${id} is not sealed yet`, { hint: 'It is within a second, if a server runs.' });
  const { origin, ...evidence } = await evidenceOf({ home, folder: logFolder(config.data, home) }, index);
  return { evidence, opened: { name: meter ? `${id}#meter` : id, ...opening }, origin };
}

function whyNot(id: string, meter: boolean): { readonly hint?: string } {
  if (meter) return { hint: 'Want the placement of a call that was made and has ended: no other is metered.' };
  return parseApprovalId(id) === null
    ? {}
    : { hint: 'An approval is in the ledger once it was granted or denied, or expired.' };
}

interface InHome {
  readonly home: string;
  readonly opening: Opening;
}

/** What lies in the log of a session: its home is in the id. */
function openedEvent({ data, homes }: Place, id: string, meter: boolean): InHome | null {
  const body = bodyOfPlacement(id) ?? idBody(parseApprovalId(id)?.session ?? '', 'sess');
  const home = homes.find(one => body !== null && homeTag(one.id) === bodyHome(body))?.id;
  if (home === undefined || !existsSync(join(data, `${home}.db`))) return null;
  const openings = openLedgerOpenings(data, home);
  try {
    const leaf = meter ? leafOfMeter(openings, id) : (leafOfPlacement(openings, id) ?? openings.approved(id));
    const opening = leaf === null ? null : openings.opening(leaf);
    return opening === null ? null : { home, opening };
  } finally {
    openings.close();
  }
}

/** @throws CliError for a change that there is not */
function openedChange({ data, homes }: Place, id: string, change: number | undefined): InHome | null {
  for (const { id: home } of homes) {
    if (!existsSync(join(data, `${home}.db`))) continue;
    const openings = openLedgerOpenings(data, home);
    try {
      const changes = openings.changes(id);
      const opening = changes.at(change === undefined ? -1 : change - 1);
      if (opening !== undefined) return { home, opening };
      if (changes.length > 0)
        throw new CliError(EXIT.failed, `${id} has ${changes.length} changes: there is no change ${change ?? 0}`);
    } finally {
      openings.close();
    }
  }
  return null;
}

/** The number of a leaf; null if it is not sealed. */
export async function leafIndexOf(data: string, home: string, leaf: LeafOf): Promise<number | null> {
  const finder = await openLeafFinder(data, home);
  try {
    return await finder.indexOf(leaf);
  } finally {
    finder.close();
  }
}

export interface LeafFinder {
  /** Null if it was not sealed when the finder was opened. */
  indexOf(leaf: LeafOf): Promise<number | null>;
  close(): void;
}

export async function openLeafFinder(data: string, home: string): Promise<LeafFinder> {
  const files = readPathBlobs(logFolder(data, home));
  const checkpoint = (await loadCheckpoint(files))?.checkpoint;
  if (checkpoint === undefined) return { indexOf: async () => null, close: () => undefined };
  const reader = new LogReader(files, sha256, checkpoint.size, sealingHash);
  const ends = readBundleEnds(bundleEndsFile(data, home));
  const where = { reader, ends: ends ?? NO_ENDS, sealed: sealedLast(checkpoint) };
  return {
    indexOf: leaf => placeOfLeaf(where, leaf),
    close: () => ends?.close(),
  };
}

const NO_ENDS = {
  count: () => 0,
  end: () => ({ events: 0, audit: 0 }),
};

export function openedText({ name, digest, previous, envelope }: Opened): string {
  return JSON.stringify({ name, digest: toHex(digest), previous: toHex(previous), envelope });
}
