/** Options that several commands share, and their reading. */
import { type Command, InvalidArgumentError } from 'commander';

export interface ConfigFlags {
  /** Path of the configuration file. */
  readonly config?: string;
  readonly data?: string;
}

/** Where a command works that can do its work on the data folder. */
export const WORKPLACE: string =
  'Works with the server at PERDURE_URL, if that is set and --data is not given; else on the data folder, or with the server that uses it. ' +
  'Once there are keys, a server wants one in PERDURE_API_KEY';

export function withConfig(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: perdure.yaml, if there is one)')
    .option('--data <folder>', 'data folder (default: as configured, else ./data)');
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON');
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Want a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** For options that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples\n${lines.map(line => `  $ ${line}\n`).join('')}`;
}
