/** What is wrong with a configuration, and where. */

export type Path = readonly (string | number)[];

export interface Problem {
  readonly level: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
}

export interface LocatedProblem {
  readonly level: 'error' | 'warning';
  /** `targets[0].base_url`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly file: string;
  /** From 1. Null: of a file that could not be read. */
  readonly line: number | null;
  readonly column: number | null;
}

export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** `file:line:column: error: targets[0].model: is required`, as editors and CI systems link it. */
export function problemLine({ level, path, message, file, line, column }: LocatedProblem): string {
  const subject = path === '' ? '' : `${path}: `;
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  return `${place}: ${level}: ${subject}${message}`;
}

/** The configuration cannot be used. All of its errors, each with its place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly LocatedProblem[];

  constructor(problems: readonly LocatedProblem[]) {
    super(problems.map(problemLine).join('\n'));
    this.problems = problems;
  }
}
