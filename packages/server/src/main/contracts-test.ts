/** `perdure contracts test`: the table cases beside each contract, and which clauses no case would miss. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Contract } from '../contract/contract.ts';
import type { ContractFiles } from '../contract/rule.ts';
import { withoutClause } from '../contract/without-clause.ts';
import { exclusionText } from '../placement/explain.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { type LocatedCases, readCases } from './contract-cases.ts';
import { type Check, runCases, type Sides } from './contract-cases-run.ts';
import { type SideOptions, type Side, sideOfFiles } from './contract-space.ts';
import { CASES_FILE, contractFolder, readContractFolder, shippedContracts } from './contracts.ts';
import { configWith } from './discover.ts';

export interface ContractsTestOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly coverage?: boolean;
}

/** A contract folder with its cases. */
export interface Tabled {
  readonly folder: string;
  readonly contract: Contract;
  readonly files: ContractFiles;
  readonly cases: LocatedCases;
}

export interface Tested {
  readonly checks: readonly Check[];
  /** Clauses without which every case still comes out the same; null if that was not asked. */
  readonly unnoticed: readonly string[] | null;
}

/** @throws CliError if the contract or its cases cannot be read */
export function tabled(folder: string): Tabled {
  const files = readContractFolder(folder);
  const [contract] = sideOfFiles([folder], [files], { reading: null, onAmbiguity: 'flag' }).contracts;
  if (contract === undefined) throw new Error(`${folder} came to no contract`);
  return { folder, contract, files, cases: readCases(folder) };
}

export function testContract(subject: Tabled, coverage: boolean): Tested {
  const { contract, files, cases } = subject;
  const run = (own: ContractFiles): readonly Check[] => runCases(cases.file, contract.id, sidesFor(subject, own));
  const checks = run(files);
  if (!coverage) return { checks, unnoticed: null };
  const texts = (list: readonly Check[]): string => JSON.stringify(list.map(({ got }) => got));
  const whole = texts(checks);
  const clauses = contract.clauses.map(({ clause }) => clause);
  return { checks, unnoticed: clauses.filter(clause => texts(run(withoutClause(files, clause))) === whole) };
}

/** Loads each list of contracts once: cases share them. */
function sidesFor({ folder, files }: Pick<Tabled, 'folder' | 'files'>, own: ContractFiles): Sides {
  const kept = new Map<string, Side>();
  return (names, options: SideOptions) => {
    const key = JSON.stringify([names, options]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const folders = names.map(name => contractFolder(name, folder));
    const made = sideOfFiles([folder, ...folders], [own ?? files, ...folders.map(readContractFolder)], options);
    kept.set(key, made);
    return made;
  };
}

export async function contractsTest(
  given: readonly string[],
  options: ContractsTestOptions,
  io: Io,
): Promise<ExitCode> {
  const folders = await foldersOf(given, options, io);
  // A folder that was named and has none is a mistake; one that is configured need not have any.
  const untested = given.length > 0 ? [] : folders.filter(folder => !existsSync(join(folder, CASES_FILE)));
  const all = folders
    .filter(folder => !untested.includes(folder))
    .map(folder => {
      const subject = tabled(folder);
      return { subject, tested: testContract(subject, options.coverage === true) };
    });
  const failed = all.flatMap(({ tested }) => tested.checks.filter(({ ok }) => !ok)).length;
  if (options.json === true) {
    printJson(io, {
      object: 'perdure.contracts_test',
      ok: failed === 0,
      contracts: all.map(({ subject, tested }) => ({
        folder: subject.folder,
        id: subject.contract.id,
        cases: subject.cases.file.cases.length,
        checks: tested.checks,
        unnoticed: tested.unnoticed,
      })),
      untested,
    });
  } else {
    for (const { subject, tested } of all) io.out(textOf(subject, tested, io.cwd));
    for (const folder of untested) io.out(`${folder} has no ${CASES_FILE}: nothing of it was tested\n`);
    const count = all.reduce((sum, { tested }) => sum + tested.checks.length, 0);
    io.out(failed === 0 ? `${count} checks, all as expected\n` : `${count} checks, ${failed} not as expected\n`);
  }
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

/** The folders named, else those configured, else all that are shipped. */
async function foldersOf(given: readonly string[], options: ConfigFlags, io: Io): Promise<readonly string[]> {
  if (given.length > 0) return given.map(name => contractFolder(name, io.cwd));
  const { config, file } = await configured(options, io, async () => configWith([], io.cwd));
  return file === null ? shippedContracts().map(name => contractFolder(name, io.cwd)) : config.contracts;
}

function textOf({ folder, contract, cases }: Tabled, { checks, unnoticed }: Tested, cwd: string): string {
  const own = contract.defaultReading ?? '-';
  const rows = checks.map(one => [one.ok ? 'ok' : 'NOT OK', one.case, one.at, one.reading ?? own, one.of, one.got]);
  const title = `${contract.id} ${contract.version}: ${cases.file.cases.length} cases`;
  const failures = checks.filter(({ ok }) => !ok).map(one => failureText(one, folder, cases, cwd));
  return [
    `${title}\n${table(['', 'CASE', 'AT', 'READING', 'OF', 'OUTCOME'], rows)}\n`,
    ...failures,
    unnoticed === null ? '' : coverageText(contract.clauses.length, unnoticed),
  ].join('');
}

function failureText(one: Check, folder: string, { file, lines }: LocatedCases, cwd: string): string {
  const index = file.cases.findIndex(({ name }) => name === one.case);
  const path = relative(cwd, join(folder, CASES_FILE)) || CASES_FILE;
  const reasons = one.reasons.map(reason => `    ${exclusionText(reason)}\n`).join('');
  return `${path}:${lines[index] ?? 1}: ${one.case}\n  ${one.of}: expected ${one.expected}\n  ${' '.repeat(one.of.length)}  got      ${one.got}\n${reasons}\n`;
}

function coverageText(count: number, unnoticed: readonly string[]): string {
  const noticed = `coverage: ${count - unnoticed.length} of ${count} clauses and definitions are noticed by a case`;
  if (unnoticed.length === 0) return `${noticed}\n\n`;
  return `${noticed}; without these, every case comes out the same: ${unnoticed.join(', ')}\n\n`;
}
