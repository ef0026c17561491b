/** `perdure contracts show`: contracts as they were activated, whatever their folders hold now. */
import { type ActivationResource, type ContractRecord, type ContractTexts, didYouMean } from '@perdure/protocol';
import type { GovernView } from '../http/perdure/govern-view.ts';
import type { ActiveOptions } from './active-command.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { table } from './cli/table.ts';
import { digestOfFiles } from './govern/contract-texts.ts';
import { atGovernDesk } from './govern-desks.ts';

/** The beginning of a digest that is taken for all of it. */
const PREFIX = /^[0-9a-f]{6,64}$/;
/** Signs that steer a terminal, but for the end of a line and the tab. */
// oxlint-disable-next-line no-control-regex
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

export async function showContracts(what: string | undefined, options: ActiveOptions, io: Io): Promise<ExitCode> {
  const read = { scope: 'operator or auditor' };
  if (what === undefined) {
    const all = await atGovernDesk(options, io, desk => desk.contracts(), read);
    if (options.json === true) printJson(io, { object: 'list', data: all, has_more: false });
    else if (all.length === 0) io.out('Nothing was activated yet: the first start activates the configuration.\n');
    else io.out(table(['CONTRACT', 'DIGEST', 'IN FORCE', 'ACTIVATIONS', 'FILES'], all.map(rowOf)));
    return EXIT.ok;
  }
  const found = await atGovernDesk(options, io, desk => textsOf(desk, what), read);
  for (const one of found) checkDigest(one);
  if (options.json === true) printJson(io, { object: 'list', data: found, has_more: false });
  else io.out(found.map(textOf).join('\n'));
  return EXIT.ok;
}

async function textsOf(desk: GovernView, what: string): Promise<readonly ContractTexts[]> {
  const all = await desk.contracts();
  const wanted = what.startsWith('act_') ? namedBy(await desk.activations(), all, what) : [namedAs(all, what)];
  const found: ContractTexts[] = [];
  for (const { digest } of wanted) {
    const texts = await desk.contract(digest);
    if (texts === null) throw new CliError(EXIT.failed, `the texts of ${digest} are not kept here`);
    found.push(texts);
  }
  return found;
}

/** The contracts of an activation, in its order. */
function namedBy(
  activations: readonly ActivationResource[],
  all: readonly ContractRecord[],
  id: string,
): readonly ContractRecord[] {
  const activation = activations.find(one => one.id === id);
  if (activation === undefined)
    throw new CliError(EXIT.usage, `there is no activation ${id}`, { hint: '"perdure contracts active" lists them.' });
  return activation.contracts.flatMap(({ digest }) => all.find(one => one.digest === digest) ?? []);
}

/** By digest, by its beginning, as `id@version`, or by id: then the one in force, or else the newest. */
export function namedAs(all: readonly ContractRecord[], what: string): ContractRecord {
  const begin = PREFIX.test(what) ? all.filter(({ digest }) => digest.startsWith(what)) : [];
  if (begin.length > 1)
    throw new CliError(EXIT.usage, `${begin.length} digests begin with ${what}: give more of it`, { hint: SEE });
  const same = all.filter(({ id, version }) => what === id || what === `${id}@${version}`);
  const found = begin[0] ?? same.find(one => one.in_force) ?? same[0];
  if (found !== undefined) return found;
  const near = didYouMean(what, new Set(all.map(({ id }) => id)));
  throw new CliError(EXIT.usage, `no contract ${what} was ever activated`, {
    hint: near === null ? SEE : `Did you mean ${near}?`,
  });
}

const SEE = '"perdure contracts show" lists what was activated, with the digests.';

/** Whoever reads the texts as evidence need not take the server's word for them. */
function checkDigest({ id, digest, texts }: ContractTexts): void {
  const is = digestOfFiles(texts).digest;
  if (is === digest) return;
  throw new CliError(
    EXIT.refused,
    `the texts of ${id} are not those that were activated: their digest is ${is}, not ${digest}`,
  );
}

function rowOf(one: ContractRecord): readonly string[] {
  const { id, version, digest, in_force: holds, activations, files } = one;
  return [
    `${id}@${version}`,
    digest,
    holds ? 'yes' : '-',
    String(activations.length),
    String(Object.keys(files).length),
  ];
}

function textOf({ id, version, digest, in_force: holds, activations, files, texts }: ContractTexts): string {
  const head = `${id}@${version} ${digest}${holds ? ' (in force)' : ''}\nactivated by ${activations.join(', ')}\n`;
  const parts = Object.entries(texts).map(
    ([path, text]) => `\n==> ${path} ${files[path] ?? ''}\n${text}${text.endsWith('\n') ? '' : '\n'}`,
  );
  return `${head}${parts.join('')}`.replace(STEERING, ' ');
}
