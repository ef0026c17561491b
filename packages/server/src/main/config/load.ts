/** Reads perdure.yaml: text -> values with positions -> schema -> cross-checks -> `Config`. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { contractFolder } from '../contracts.ts';
import { permissionProblems, reviewProblems } from './agent-rules.ts';
import type { Config } from './config.ts';
import { crossCheck } from './cross-checks.ts';
import { readDocument, type SourceDocument } from './document.ts';
import type { Environment } from './interpolate.ts';
import { at, pathOf, problemsOf } from './issues.ts';
import { CONFIG_BOUNDS } from './limits.ts';
import { withTargetsToWrite } from './missing-targets.ts';
import { normalise, offersOf } from './normalise.ts';
import { readingProblems } from './reading.ts';
import { ConfigError, type LocatedProblem, type Path, type Problem } from './problem.ts';
import type { FileConfig } from './file-form.ts';
import { fileSchema } from './schema.ts';
import { sketchOf } from './sketch.ts';

/** Looked for in the working folder when no file is named. */
export const CONFIG_FILE = 'perdure.yaml';

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly LocatedProblem[];
}

export interface ParseOptions {
  /** As shown in messages. */
  readonly file: string;
  readonly env: Environment;
  /** What relative paths in the file start from. */
  readonly base: string;
}

/**
 * @param shown how messages name the file
 * @throws ConfigError with every problem found
 */
export function loadConfig(file: string, env: Environment, shown: string = file): LoadedConfig {
  return parseConfig(readText(file, shown), { file: shown, env, base: dirname(resolve(file)) });
}

/** @throws ConfigError with every problem found */
export function parseConfig(text: string, { file, env, base }: ParseOptions): LoadedConfig {
  const document = readDocument(text, file, env);
  const failed = (problems: readonly LocatedProblem[]): boolean => problems.some(problem => problem.level === 'error');
  // A broken structure would only produce misleading errors after it; a missing variable leaves the rest to be looked at.
  if (document.value === null && failed(document.problems)) throw new ConfigError(inOrder(document.problems));
  const parsed = validate(document);
  const sketch = sketchOf(parsed.file ?? document.value);
  const cross = crossCheck(sketch, { ...offersOf(sketch), interpolated: document.interpolated });
  const contracts = contractFolders(at(document.value, ['contracts']), base);
  const permissions = permissionProblems(at(document.value, ['permissions']), base);
  const review = reviewProblems(at(document.value, ['review']), at(document.value, ['targets']));
  const issues = withTargetsToWrite(parsed.issues, env);
  // Of folders that were not found it would be said that they have no readings.
  const reading =
    contracts.problems.length > 0 ? [] : readingProblems(at(document.value, ['reading']), contracts.folders);
  const found = [...reading, ...issues, ...cross, ...contracts.problems, ...permissions, ...review];
  const problems = inOrder([
    ...document.problems,
    ...found.filter(problem => !document.spoilt(problem.path)).map(document.locate),
  ]);
  if (parsed.file === null || failed(problems)) throw new ConfigError(problems);
  const config = normalise(parsed.file, { base, contracts: contracts.folders });
  if (typeof at(document.value, ['listen', 'host']) !== 'string') return { config, warnings: problems };
  const { line, column } = document.locate({ level: 'error', path: ['listen', 'host'], message: '' });
  return { config: { ...config, listen: { ...config.listen, said: `${file}:${line}:${column}` } }, warnings: problems };
}

/** Without any, the shipped `none`: it allows everything. */
function contractFolders(given: unknown, base: string): { folders: readonly string[]; problems: readonly Problem[] } {
  const names: readonly unknown[] = Array.isArray(given) && given.length > 0 ? given : ['none'];
  const folders: string[] = [];
  const problems: Problem[] = [];
  for (const [i, name] of names.entries()) {
    // What is no text the schema complains of.
    if (typeof name !== 'string' || name === '') continue;
    try {
      folders.push(contractFolder(name, base));
    } catch (error) {
      const message = error instanceof Error ? error.message : 'cannot be found';
      problems.push({ level: 'error', path: ['contracts', i], message });
    }
  }
  return { folders, problems };
}

function inOrder(problems: readonly LocatedProblem[]): readonly LocatedProblem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function validate(document: SourceDocument): { file: FileConfig | null; issues: ReturnType<typeof problemsOf> } {
  const value = document.value ?? {};
  let result = fileSchema.safeParse(value);
  if (!result.success && typed(result.error.issues, value, document.interpolated)) result = fileSchema.safeParse(value);
  if (result.success) return { file: result.data, issues: [] };
  return { file: null, issues: problemsOf(result.error.issues, { value, interpolated: document.interpolated }) };
}

/** The environment holds texts only: where a number or a boolean is wanted, the text is read as one. True if any was. */
function typed(
  issues: readonly { code?: string; path: PropertyKey[]; expected?: unknown }[],
  value: unknown,
  interpolated: (path: Path) => boolean,
): boolean {
  let changed = false;
  for (const issue of issues) {
    if (issue.code !== 'invalid_type') continue;
    const path = pathOf(issue as Parameters<typeof pathOf>[0]);
    const text = at(value, path);
    if (typeof text !== 'string' || !interpolated(path)) continue;
    const read = readAs(text, issue.expected);
    if (read === null) continue;
    const parent = at(value, path.slice(0, -1)) as { [name: string | number]: unknown };
    parent[path.at(-1) ?? ''] = read;
    changed = true;
  }
  return changed;
}

function readAs(text: string, expected: unknown): number | boolean | null {
  if (expected === 'boolean') return text === 'true' ? true : text === 'false' ? false : null;
  if (expected !== 'number' && expected !== 'int') return null;
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : null;
}

function readText(file: string, shown: string): string {
  const refuse = (message: string): never => {
    throw new ConfigError([{ level: 'error', path: '', message, file: shown, line: null, column: null }]);
  };
  try {
    const { size } = statSync(file);
    if (size > CONFIG_BOUNDS.fileBytes)
      refuse(`has ${size} bytes; a configuration may have ${CONFIG_BOUNDS.fileBytes}`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return refuse(code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`);
  }
}
