/** A contract folder without one of its clauses: what would change if it were not there? */
import { parseDocument } from 'yaml';
import { CEDAR_HERE } from './cedar-here.ts';
import { parseCedarFile } from './cedar-source.ts';
import { MANIFEST_FILE } from './manifest.ts';
import type { ContractFiles } from './rule.ts';

/**
 * The files without a clause, a definition or a link, and without its entry in the manifest. A reading that loses its last definition
 * stays, and calls everything stateful.
 * @param id of a clause that the folder has
 */
export function withoutClause(files: ContractFiles, id: string): ContractFiles {
  const document = parseDocument(files[MANIFEST_FILE] ?? '');
  const links: unknown = document.toJS()?.links;
  const link = Array.isArray(links) ? links.findIndex((one: unknown) => isLink(one, id)) : -1;
  if (link >= 0) {
    document.deleteIn(['links', link]);
    return { ...files, [MANIFEST_FILE]: document.toString() };
  }
  document.deleteIn(['clauses', id]);
  const left: Record<string, string> = { ...files, [MANIFEST_FILE]: document.toString() };
  for (const [path, text] of Object.entries(files)) {
    if (!path.endsWith('.cedar')) continue;
    const source = parseCedarFile(CEDAR_HERE, path, text, () => undefined).find(one => one.id === id);
    if (source !== undefined) left[path] = cut(text, source.text, source.line);
  }
  return left;
}

function isLink(entry: unknown, id: string): boolean {
  return typeof entry === 'object' && entry !== null && 'id' in entry && entry.id === id;
}

/** @param line where the policy begins: another one may have the same text */
function cut(text: string, policy: string, line: number): string {
  let from = 0;
  for (let at = 1; at < line; at++) from = text.indexOf('\n', from) + 1;
  const start = text.indexOf(policy, from);
  return start < 0 ? text : text.slice(0, start) + text.slice(start + policy.length);
}
