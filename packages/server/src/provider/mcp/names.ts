/**
 * What the model calls the tools of servers: `<label>__<tool>`, of `[A-Za-z0-9_-]`, 64 characters at most.
 *
 * N1  Two tools never share a name.
 * N2  A name follows from its label and tool alone, unless two of one list would share it.
 */
import { createHash } from 'node:crypto';

export interface Labelled {
  readonly label: string;
  readonly tool: string;
}

export const NAME_CHARS = 64;
const DIGEST_CHARS = 10;
const UNSAFE = /[^A-Za-z0-9_-]/g;

/** Whether `label__tool` is safe as it is and can only be read in one way. */
function isPlain({ label, tool }: Labelled): boolean {
  const name = `${label}__${tool}`;
  return (
    /^[A-Za-z0-9_-]+$/.test(name) &&
    name.length <= NAME_CHARS &&
    label !== '' &&
    tool !== '' &&
    !label.includes('__') &&
    !label.endsWith('_')
  );
}

/** @param round from 1 on, where the digest of round 0 was taken */
function nameOf(of: Labelled, round: number): string {
  if (round === 0 && isPlain(of)) return `${of.label}__${of.tool}`;
  const digest = createHash('sha256')
    .update(JSON.stringify([of.label, of.tool, round]))
    .digest('hex')
    .slice(0, DIGEST_CHARS);
  const safe = `${of.label}__${of.tool}`.replaceAll(UNSAFE, '_');
  return `${safe.slice(0, NAME_CHARS - DIGEST_CHARS - 1)}_${digest}`;
}

/** A name for each, in the order given. The same pair twice has one name: whoever lists sees to that there is none. */
export function toolNames(tools: readonly Labelled[]): readonly string[] {
  const key = ({ label, tool }: Labelled): string => JSON.stringify([label, tool]);
  const named = new Map<string, string>();
  const taken = new Set<string>();
  const take = (of: Labelled): void => {
    if (named.has(key(of))) return;
    let round = 0;
    while (taken.has(nameOf(of, round))) round++;
    const name = nameOf(of, round);
    taken.add(name);
    named.set(key(of), name);
  };
  // Plain ones first, the others in an order of their own: so that the order of a list changes nothing.
  const [plain, other] = [tools.filter(isPlain), tools.filter(one => !isPlain(one))];
  for (const one of plain) take(one);
  for (const one of other.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))) take(one);
  return tools.map(one => named.get(key(one)) ?? nameOf(one, 0));
}
