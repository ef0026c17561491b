/** `perdure contracts check`: each folder by itself, then all of them together. */
import { relative } from 'node:path';
import { checkContractSet, chooseReadings } from '../contract/contract-set.ts';
import type { Contract } from '../contract/contract.ts';
import { type Finding, findingLine } from '../contract/finding.ts';
import { loadContract } from '../contract/load.ts';
import { dayOrNull } from '../kernel/day.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import { configured } from './configured.ts';
import { type Side, sideOfFiles } from './contract-space.ts';
import { contractFolder, readContractFolder, shippedContracts } from './contracts.ts';
import { checkClauses, checkTogether } from './contracts-deep-check.ts';
import { wordsBeside } from './contract-words.ts';
import { configWith } from './discover.ts';

export interface ContractsCheckOptions extends ConfigFlags {
  readonly json?: boolean;
}

interface Checked {
  readonly folder: string;
  readonly contract: Contract | null;
  readonly findings: readonly Finding[];
}

interface Subject {
  readonly folders: readonly string[];
  /** Wanted of the contracts that are configured together; null where none is. */
  readonly reading: string | null;
  readonly onAmbiguity: Config['onAmbiguity'];
  /** What they are configured with; null if they are not from a configuration. */
  readonly config: Config | null;
  readonly file: string | null;
  /** False for all that are shipped: nobody means to use them at once. */
  readonly areTogether: boolean;
}

export async function contractsCheck(
  given: readonly string[],
  options: ContractsCheckOptions,
  io: Io,
): Promise<ExitCode> {
  const subject = await subjectOf(given, options, io);
  const { folders, reading } = subject;
  const checked = folders.map(checkFolder);
  const contracts = checked.flatMap(({ contract }) => (contract === null ? [] : [contract]));
  const readings = chooseReadings(contracts, reading);
  const words = checkContractSet(contracts, shippedContracts());
  const sound = contracts.length === folders.length && readings.ok && words.every(({ level }) => level !== 'error');
  const together = sound && subject.areTogether ? [...words, ...deepTogether(subject)] : words;
  const status = statusOf([...checked.flatMap(({ findings }) => findings), ...together], readings.ok);
  if (options.json === true) {
    const readingError = readings.ok ? null : { code: readings.code, message: readings.message };
    printJson(io, {
      object: 'perdure.contracts_check',
      ok: status === 'ok',
      status,
      contracts: checked.map(checkedJson),
      together,
      reading,
      reading_error: readingError,
    });
  } else {
    io.out(checked.map(one => checkedText(one, io.cwd)).join(''));
    for (const finding of together) io.out(`together: ${findingLine(finding)}\n`);
    if (!readings.ok) io.out(`together: error ${readings.code}: ${readings.message}\n`);
    io.out(`${STATUS_TEXT[status]}\n`);
  }
  return STATUS_EXIT[status];
}

/** Sound, not to be used, or sound as far as could be seen: what some clauses come to is not known. */
type Status = 'ok' | 'not_ok' | 'not_checked';

const STATUS_TEXT: Readonly<Record<Status, string>> = {
  ok: 'ok',
  not_ok: 'not ok',
  not_checked: 'not checked in full: nothing is wrong that was looked at (see fact_space_too_wide)',
};
const STATUS_EXIT: Readonly<Record<Status, ExitCode>> = { ok: EXIT.ok, not_ok: EXIT.refused, not_checked: EXIT.failed };

function statusOf(findings: readonly Finding[], readingsFit: boolean): Status {
  if (!readingsFit || findings.some(({ level }) => level === 'error')) return 'not_ok';
  return findings.some(({ code }) => code === 'fact_space_too_wide') ? 'not_checked' : 'ok';
}

/** The folders named, else those configured, else all that are shipped. */
async function subjectOf(given: readonly string[], options: ContractsCheckOptions, io: Io): Promise<Subject> {
  const unconfigured = { reading: null, onAmbiguity: 'flag', config: null, file: null } as const;
  if (given.length > 0) {
    const folders = given.map(name => contractFolder(name, io.cwd));
    return { folders, ...unconfigured, areTogether: true };
  }
  const { config, file } = await configured(options, io, async () => configWith([], io.cwd));
  if (file !== null) {
    const { contracts, reading, onAmbiguity } = config;
    return { folders: contracts, reading, onAmbiguity, config, file, areTogether: true };
  }
  const folders = shippedContracts().map(name => contractFolder(name, io.cwd));
  return { folders, ...unconfigured, areTogether: false };
}

function checkFolder(folder: string): Checked {
  const files = readContractFolder(folder);
  const { contract, findings } = loadContract(files);
  if (contract === null) return { folder, contract, findings };
  const side = sideOfFiles([folder], [files], { reading: null, onAmbiguity: 'flag' });
  return { folder, contract, findings: [...findings, ...checkClauses(side)] };
}

function deepTogether({ folders, reading, onAmbiguity, config, file }: Subject): readonly Finding[] {
  const side: Side = sideOfFiles(folders, folders.map(readContractFolder), { reading, onAmbiguity });
  const words =
    config === null ? [] : side.files.flatMap((files, i) => wordsBeside(side.contracts[i]?.id ?? '', files, config));
  return [...words, ...checkTogether(side, { config, file })];
}

function checkedText({ folder: given, contract, findings }: Checked, cwd: string): string {
  const below = relative(cwd, given);
  const folder = below === '' || below.startsWith('..') ? given : below;
  const lines = findings.map(finding => `${folder}/${findingLine(finding)}\n`);
  if (contract === null) return `${lines.join('')}${folder}: cannot be used\n`;
  const { from, to } = contract.effective;
  const when =
    from === null && to === null
      ? 'always in force'
      : `in force from ${dayOrNull(from) ?? 'ever'} until ${dayOrNull(to) ?? 'further notice'}`;
  const readings = contract.readings.map(({ id }) => (id === contract.defaultReading ? `${id} (default)` : id));
  const read = readings.length === 0 ? '' : `; readings: ${readings.join(', ')}`;
  return `${lines.join('')}${contract.id} ${contract.version}: ${contract.clauses.length} clauses and definitions, ${when}${read}\n`;
}

function checkedJson({ folder, contract, findings }: Checked): object {
  const { id = null, version = null, title = null } = contract ?? {};
  return {
    folder,
    id,
    version,
    title,
    from: dayOrNull(contract?.effective.from ?? null),
    to: dayOrNull(contract?.effective.to ?? null),
    clauses: contract?.clauses.length ?? null,
    readings: contract?.readings.map(reading => reading.id) ?? null,
    findings,
  };
}
