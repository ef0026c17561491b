/** Names of workspaces, and paths within them. Pure: whether a path leads out over a link is looked at when it is opened. */
import { perdureError } from '@perdure/protocol';

/** Tenants, workspaces and snapshots are names of folders. None begins with a dot: nothing hidden, no `..`. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** As Linux has them. Bytes of UTF-8. */
const PATH_BYTES = 4096;
const NAME_BYTES = 255;
const DEPTH = 64;
/** Where commands see the workspace. */
export const WORKSPACE_PATH = '/workspace';

/** @throws invalid_request */
export function folderName(text: string, what: string): string {
  if (!NAME.test(text))
    throw perdureError('invalid_request', `The ${what} is not a name of letters, digits, '.', '_' and '-'.`);
  return text;
}

/**
 * The names that a path goes through, below the workspace; none for its root. `/workspace/a` and `a` are one file. `..` is refused even
 * where it would stay inside: after a link it means something else to the shell.
 * @throws workspace_path_refused
 */
export function pathNames(path: string): readonly string[] {
  if (Buffer.byteLength(path) > PATH_BYTES) throw refused('The path is too long.');
  if (path.includes('\0') || !path.isWellFormed()) throw refused('The path holds characters that no path may hold.');
  const below = path.startsWith('/') ? belowRoot(path) : path;
  const names = below.split('/').filter(name => name !== '' && name !== '.');
  if (names.length > DEPTH) throw refused(`The path goes through more than ${DEPTH} folders.`);
  for (const name of names) {
    if (name === '..') throw refused('The path leads out of the workspace, or may.');
    if (Buffer.byteLength(name) > NAME_BYTES) throw refused('A name in the path is too long.');
  }
  return names;
}

function belowRoot(path: string): string {
  const normal = path.replaceAll(/\/+/g, '/');
  if (normal === WORKSPACE_PATH || normal.startsWith(`${WORKSPACE_PATH}/`)) return normal.slice(WORKSPACE_PATH.length);
  throw refused(`The path leads out of the workspace: absolute paths begin with ${WORKSPACE_PATH}/.`);
}

export function refused(message: string): Error {
  return perdureError('workspace_path_refused', message);
}
