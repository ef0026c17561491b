/**
 * Ids of files. They are written `file-...`, with a dash: clients tell by that prefix that a text is the id of a file and not its bytes. A
 * file is a session of its own that has no turns: they share the body of their ids, and the session's log holds where the file was placed.
 */
import { type HomeId, homeTag, idBody, type SessionId } from '../../kernel/ids.ts';
import type { Homes } from '../homes.ts';
import type { Ids, SessionLog } from '../ports.ts';

const PREFIX = 'file-';

export function newFileId(ids: Ids, home: HomeId): string {
  return ids.next('file', homeTag(home)).replace('_', '-');
}

export function sessionOfFile(id: string): SessionId {
  return id.replace(PREFIX, 'sess_') as SessionId;
}

/** The store that a file's id points at; null if it is no such id. */
export function storeOfFile(homes: Homes, id: string): SessionLog | null {
  if (!id.startsWith(PREFIX)) return null;
  const body = idBody(id.replace(PREFIX, 'file_'), 'file');
  return body === null ? null : homes.ofBody(body);
}

/** The id of what a turn fetched for part `part` of an item. */
export function fetchedId(item: string, part: number): string {
  return `${item}.${part}`;
}

/** Where chunk `index` of a file lies among its home's blobs. */
export function blobKey(tenant: string, id: string, index: number): string {
  return `files/${tenant}/${id}/${index}`;
}
