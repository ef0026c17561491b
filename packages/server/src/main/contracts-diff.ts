/** `perdure contracts diff`: every request class whose outcome changes from one set of contracts to another, each with a witness. */
import { chooseReadings } from '../contract/contract-set.ts';
import type { Change, Comparison, Side as Said, Witness } from '../placement/compare.ts';
import { changeJson } from './contracts-diff-json.ts';
import { compare } from '../placement/compare.ts';
import { exclusionText } from '../placement/explain.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { configFile, readConfigFile } from './configured.ts';
import { type Side, sideOf, sideOfFiles, spaceOf, undated } from './contract-space.ts';

export interface ContractsDiffOptions extends Pick<ConfigFlags, 'config'> {
  readonly json?: boolean;
  readonly reading?: string;
  readonly readingB?: string;
  readonly at?: string;
  readonly from?: string;
  readonly to?: string;
  readonly only?: readonly string[];
  readonly anyPlace?: boolean;
  readonly onAmbiguity?: 'flag' | 'refuse';
  readonly ignoreDates?: boolean;
}

/** Rows, and places of a witness, that are printed; all of them are in the JSON. */
const COMMAND = 'perdure contracts diff';
const MAX_ROWS = 40;
const MAX_PLACES = 3;

export async function contractsDiff(a: string, b: string, options: ContractsDiffOptions, io: Io): Promise<ExitCode> {
  const onAmbiguity = options.onAmbiguity ?? 'flag';
  const dated = sidesOf(a, b, options, io.cwd, onAmbiguity);
  const [one, other] = options.ignoreDates === true ? [always(dated[0]), always(dated[1])] : dated;
  const file = options.anyPlace === true ? null : configFile(options, io.cwd);
  const config = file === null ? null : readConfigFile(file, io);
  const { space, mentions } = spaceOf([one, other], { config, ...timesOf(options), only: onlyOf(options.only ?? []) });
  const comparison = compare(one.snapshot, other.snapshot, space);
  const equal = comparison.changed === 0;
  const where = file === null ? 'every place that the clauses tell apart' : `the places of ${file}`;
  if (options.json === true) {
    printJson(io, {
      object: 'perdure.contracts_diff',
      equal,
      a: sideJson(one),
      b: sideJson(other),
      over: file === null ? 'clauses' : 'config',
      compared: comparison.compared,
      changed: comparison.changed,
      computed: mentions.computed,
      changes: comparison.changes.map(changeJson),
    });
    return equal ? EXIT.ok : EXIT.failed;
  }
  for (const { clause, fact } of mentions.computed)
    io.err(`${clause} computes with ${fact}: only values that clauses name are compared\n`);
  io.out(`A  ${sideText(one)}\nB  ${sideText(other)}\n`);
  io.out(`${comparison.compared} request classes over ${where}\n\n`);
  if (!overlap(one, other))
    io.out('A and B are never in force at one time: --ignore-dates compares what their clauses say.\n\n');
  io.out(textOf(comparison));
  return equal ? EXIT.ok : EXIT.failed;
}

/** Whether some contract of one side may be in force when some of the other is. */
function overlap(one: Side, other: Side): boolean {
  const ends = ({ from, to }: { from: number | null; to: number | null }) =>
    [from ?? -Infinity, to ?? Infinity] as const;
  return one.contracts.some(a =>
    other.contracts.some(b => {
      const [[fromA, toA], [fromB, toB]] = [ends(a.effective), ends(b.effective)];
      return fromA < toB && fromB < toA;
    }),
  );
}

function always(side: Side): Side {
  const ids = side.contracts.map(({ id }) => id);
  const replaced = side.contracts.find(({ supersedes }) => supersedes.some(id => ids.includes(id)));
  if (replaced !== undefined)
    usage(`--ignore-dates compares one era with another: ${replaced.id} supersedes a contract of its own side`);
  return undated(side);
}

/** A reading that both sides are to have decides on the sides that offer it. */
function sidesOf(
  a: string,
  b: string,
  { reading = null, readingB = null }: { readonly reading?: string | null; readonly readingB?: string | null },
  cwd: string,
  onAmbiguity: 'flag' | 'refuse',
): readonly [Side, Side] {
  const [one, other] = [a, b].map(names => sideOf(names.split(','), cwd, { reading: null, onAmbiguity }));
  if (one === undefined || other === undefined) throw new Error('a comparison has two sides');
  const both = chooseReadings([...one.contracts, ...other.contracts], reading, true);
  if (!both.ok) throw new CliError(EXIT.usage, `${COMMAND}: ${both.message}`);
  const under = (side: Side, wanted: string | null): Side =>
    wanted === null ? side : sideOfFiles(side.folders, side.files, { reading: wanted, onAmbiguity });
  const offered = (side: Side): string | null =>
    side.contracts.some(({ readings }) => readings.some(({ id }) => id === reading)) ? reading : null;
  return [under(one, offered(one)), under(other, readingB === null ? offered(other) : readingB)];
}

function timesOf({ at, from, to }: ContractsDiffOptions): { from: number | null; to: number | null } {
  const moment = momentOption(COMMAND, '--at', at);
  if (moment !== null) {
    if (from !== undefined || to !== undefined) usage('--at excludes --from and --to');
    return { from: moment, to: moment };
  }
  const times = { from: momentOption(COMMAND, '--from', from), to: momentOption(COMMAND, '--to', to) };
  if (times.from !== null && times.to !== null && times.from >= times.to) usage('--from must be before --to');
  return times;
}

/** `segment=us-gov`, several times: the only values wanted of a dimension. */
function onlyOf(given: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const only: Record<string, string[]> = {};
  for (const text of given) {
    const at = text.lastIndexOf('=');
    if (at < 1) usage(`--only takes DIMENSION=VALUE, not ${JSON.stringify(text)}`);
    const name = text.slice(0, at);
    only[name] = [...(only[name] ?? []), text.slice(at + 1)];
  }
  return only;
}

function usage(message: string): never {
  throw new CliError(EXIT.usage, `${COMMAND}: ${message}`);
}

function sideText({ contracts, snapshot }: Side): string {
  return contracts
    .map(({ id, version }) => {
      const reading = snapshot.readings[id];
      return `${id} ${version}${reading === undefined ? '' : `, reading ${reading}`}`;
    })
    .join('; ');
}

function textOf({ changes, changed }: Comparison): string {
  if (changes.length === 0) return 'no request class changes\n';
  const rows = changes.slice(0, MAX_ROWS).map((change, i) => rowText(change, i + 1));
  const more = changes.length > MAX_ROWS ? `\n... and ${changes.length - MAX_ROWS} more rows: --json has all\n` : '';
  return `${rows.join('\n')}${more}\n${changed} request classes change, in ${changes.length} rows\n`;
}

function rowText({ when, before, after, classes, witness }: Change, number: number): string {
  const indent = ' '.repeat(4);
  const title = when.length === 0 ? 'every request' : when.join(', ');
  const kind = witness.action === 'distribute' ? 'selling ' : '';
  const lines = [
    `${String(number).padStart(2)}  ${kind}${title}`,
    `${indent}${before} -> ${after}  (${classes === 1 ? '1 class' : `${classes} classes`})`,
    `${indent}${classes === 1 ? 'decided by' : `for example ${witness.said.join(', ')}`}:`,
    ...witness.places.slice(0, MAX_PLACES).flatMap(place => placeLines(place, indent)),
    ...(witness.places.length > MAX_PLACES ? [`${indent}  and so at ${witness.places.length - MAX_PLACES} more`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function placeLines({ place, before, after }: Witness['places'][number], indent: string): readonly string[] {
  const at = place === null ? '' : ` at ${place.id}`;
  return [`${indent}  A${at}: ${sideLine(before)}`, `${indent}  B${at}: ${sideLine(after)}`];
}

function sideLine({ outcome, by, permits, flagged }: Said): string {
  const reasons = outcome === 'denied' ? by : permits;
  const said = reasons.map(exclusionText).join('; ') || 'no contract binds it';
  const flags = flagged.length === 0 ? '' : ` [flagged: ${flagged.map(exclusionText).join('; ')}]`;
  return `${outcome} by ${said}${flags}`.replace('allowed by no contract binds it', 'allowed: no contract binds it');
}

function sideJson({ contracts, snapshot }: Side): object {
  return contracts.map(({ id, version }) => ({ id, version, reading: snapshot.readings[id] ?? null }));
}
