import { CliError, EXIT } from './cli/exit.ts';
import { contractFolder } from './contracts.ts';

/**
 * The folders of `--contracts`: sets by name or path, with commas or repeated. Null: none was given. An option that names nothing (a variable
 * of a script that is empty) is refused: no contract at all is something else, and refuses every call.
 * @param command for the message
 * @throws CliError, ContractFolderError
 */
export function contractsOption(
  command: string,
  given: readonly string[] | undefined,
  base: string,
): readonly string[] | null {
  if (given === undefined) return null;
  const sets = given.flatMap(list => list.split(',')).map(set => set.trim());
  if (sets.includes('')) throw new CliError(EXIT.usage, `${command}: --contracts names no set in "${given.join(' ')}"`);
  return sets.map(set => contractFolder(set, base));
}
