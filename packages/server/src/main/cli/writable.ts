/** Files that a command shall write once its work is done: looked at before any of it. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CliError, EXIT } from './exit.ts';

/**
 * The paths that the options name, resolved; null for those that name none. Nothing is written.
 * @throws CliError if one cannot be written, or two name the same file
 */
export function writablePaths<Option extends string>(
  command: string,
  cwd: string,
  options: Readonly<Record<Option, string | undefined>>,
): Readonly<Record<Option, string | null>> {
  const paths = new Map<string, string>();
  const resolved = Object.entries<string | undefined>(options).map(([option, text]) => {
    if (text === undefined) return [option, null];
    const path = resolve(cwd, text);
    const other = paths.get(path);
    if (other !== undefined)
      throw new CliError(EXIT.usage, `${command}: ${other} and ${option} name one file: ${path}`);
    paths.set(path, option);
    const problem = problemOf(path);
    if (problem !== null) throw new CliError(EXIT.usage, `${command}: ${option} cannot be written: ${problem}`);
    return [option, path];
  });
  return Object.fromEntries(resolved) as Record<Option, string | null>;
}

function problemOf(path: string): string | null {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) return `${path} is a folder`;
  const folder = dirname(path);
  if (there === undefined && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    return `${folder} is no folder`;
  try {
    accessSync(there === undefined ? folder : path, constants.W_OK);
    return null;
  } catch {
    return `${there === undefined ? folder : path} may not be written`;
  }
}
