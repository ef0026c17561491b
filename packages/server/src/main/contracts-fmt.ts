/** `perdure contracts fmt`: one layout for contract folders. */
import { renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Finding, findingLine } from '../contract/finding.ts';
import { formatContract } from '../contract/format.ts';
import { checkContract } from '../contract/load.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { contractFolder, readContractFolder } from './contracts.ts';

export interface ContractsFmtOptions {
  readonly check?: boolean;
  readonly json?: boolean;
}

interface Done {
  readonly path: string;
  /** Null: as it was. */
  readonly text: string | null;
}

export async function contractsFmt(given: readonly string[], options: ContractsFmtOptions, io: Io): Promise<ExitCode> {
  const files = given.map(name => contractFolder(name, io.cwd)).flatMap(folder => formatFolder(folder, io));
  const changed = files.flatMap(({ path, text }) => (text === null ? [] : [{ path, text }]));
  // All are formatted before any is written: what cannot be formatted leaves every file as it is.
  if (options.check !== true) for (const { path, text } of changed) replace(path, text);
  const names = changed.map(({ path }) => relative(io.cwd, path));
  const ok = options.check !== true || changed.length === 0;
  if (options.json === true) {
    printJson(io, { object: 'perdure.contracts_fmt', ok, files: files.length, changed: names });
  } else {
    for (const name of names) io.out(`${name}\n`);
    const verb = options.check === true ? 'would change' : 'changed';
    io.out(`${files.length} ${files.length === 1 ? 'file' : 'files'}, ${changed.length} ${verb}\n`);
  }
  return ok ? EXIT.ok : EXIT.failed;
}

/** @throws CliError if a file cannot be formatted */
function formatFolder(folder: string, io: Io): readonly Done[] {
  const files = readContractFolder(folder);
  const shown = relative(io.cwd, folder) || '.';
  const broken = checkContract(files).filter(unreadable);
  if (broken.length > 0)
    throw new CliError(EXIT.refused, broken.map(finding => `${shown}/${findingLine(finding)}`).join('\n'));
  return Object.entries(formatContract(files)).map(([path, formatted]) => {
    if (!formatted.ok) throw new CliError(EXIT.refused, `${join(shown, path)}: not formatted: ${formatted.why}`);
    return { path: join(folder, path), text: formatted.text === files[path] ? null : formatted.text };
  });
}

/** What a layout can be given in spite of: a contract that is not finished is formatted too. */
function unreadable({ level, code }: Finding): boolean {
  return level === 'error' && ['yaml_invalid', 'cedar_syntax', 'file_too_large', 'manifest_missing'].includes(code);
}

/** A crash leaves the old file or the new one. */
function replace(path: string, text: string): void {
  const beside = `${path}.new`;
  writeFileSync(beside, text);
  renameSync(beside, path);
}
