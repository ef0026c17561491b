/** The layers of this package (ARCHITECTURE.md), and what breaks them. Works on a map of sources, so that each rule can be proved. */
import { posix } from 'node:path';
import { codeOf, importsOf } from './source-text.test-support.ts';

/** A folder imports lower numbers and itself. Folders of one number do not know each other. */
export const LAYERS: { readonly [folder: string]: number } = {
  kernel: 0,
  log: 1,
  session: 2,
  placement: 2,
  contract: 2,
  ledger: 2,
  money: 2,
  memory: 2,
  tool: 2,
  engine: 3,
  provider: 4,
  store: 4,
  workspace: 4,
  data: 4,
  http: 5,
  main: 6,
};
/** `src/index.ts`: what others see. */
const ROOT_LEVEL = 7;
/** Below it nothing knows the machine: no node:*, no clock, no chance. */
const FIRST_IMPURE = 3;
/** Fewer modules than this, and the check has looked at nothing. */
export const LEAST_MODULES = 40;

/** Packages that one folder has to itself. */
const OWNED: readonly (readonly [pattern: RegExp, folders: readonly string[]])[] = [
  [/^(@hono\/|hono(\/|$)|ws$)/, ['http']],
  [/^undici$/, ['provider']],
  [/^(node:sqlite|pg)$/, ['store']],
  [/^@cedar-policy\//, ['contract']],
  [/^(commander|yaml|openai)(\/|$)/, ['main']],
];
/** contract.yaml is YAML too. */
const EXCEPTIONS: ReadonlySet<string> = new Set(['contract yaml']);
/** Run as a process of its own, never loaded. */
const NEVER = /^@perdure\/emulator(\/|$)/;

const IMPURE: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bDate\.now\b/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/\bMath\.random\b/, 'Math.random'],
  [/\bperformance\.now\b/, 'performance.now'],
  [/(?<![.\w])process\s*[.[]/, 'process'],
  [/(?<![.\w])(setTimeout|setInterval|setImmediate)\s*\(/, 'a timer'],
  [/\bcrypto\.(getRandomValues|randomUUID)\b/, 'chance'],
  [/(?<![.\w])fetch\s*\(/, 'fetch'],
  [/(?<![.\w])Buffer\s*\./, 'Buffer'],
  [/(?<![.\w])globalThis\b/, 'globalThis'],
];

/** Modules of operators are loaded by their path, in one place. */
const LOADS_OTHERS: { readonly path: string; readonly how: string } = {
  path: 'provider/module-tools/import-module.ts',
  how: 'await import(pathToFileURL(path).href)',
};

/** Paths from `src/`, with forward slashes. */
export type Sources = ReadonlyMap<string, string>;

/** Suites that run on every implementation of a port, and the bad ones that they must fail, are tests too. */
export function isTest(path: string): boolean {
  return /\.(test|test-support)\.ts$|(^|\/)(conformance|planted)(\/|\.ts$)/.test(path);
}

/** Every breach, one line each; empty if the layers hold. */
export function breaches(sources: Sources): readonly string[] {
  const modules = [...sources]
    .filter(([path]) => !isTest(path))
    .map(
      ([path, source]) => [path, path === LOADS_OTHERS.path ? source.replace(LOADS_OTHERS.how, '') : source] as const,
    );
  const few = modules.length < LEAST_MODULES ? [`only ${modules.length} modules were found`] : [];
  return [...few, ...modules.flatMap(([path, source]) => fileBreaches(path, source, sources)), ...cycles(modules)];
}

function folderOf(path: string): string | null {
  const slash = path.indexOf('/');
  return slash < 0 ? null : path.slice(0, slash);
}

function levelOf(folder: string | null): number {
  return folder === null ? ROOT_LEVEL : (LAYERS[folder] ?? Number.NaN);
}

function fileBreaches(path: string, source: string, sources: Sources): readonly string[] {
  const folder = folderOf(path);
  const level = levelOf(folder);
  if (Number.isNaN(level)) return [`${path}: the folder ${folder ?? ''} is in no layer`];
  const found = importsOf(source).flatMap(({ specifier }) =>
    specifier.startsWith('.') ? ownImport(path, specifier, sources) : foreignImport(path, specifier),
  );
  return level < FIRST_IMPURE ? [...found, ...impurities(path, source)] : found;
}

function ownImport(path: string, specifier: string, sources: Sources): readonly string[] {
  const target = posix.join(posix.dirname(path), specifier);
  if (target.startsWith('..'))
    return target.endsWith('.json') ? [] : [`${path}: reaches outside of the package: ${specifier}`];
  if (!sources.has(target)) return [`${path}: imports ${specifier}, which is not there`];
  if (isTest(target)) return [`${path}: imports the test file ${target}`];
  const [from, to] = [folderOf(path), folderOf(target)];
  if (from === to || levelOf(to) < levelOf(from)) return [];
  return [`${path}: ${from ?? 'the root'} (${levelOf(from)}) imports ${target} (${levelOf(to)})`];
}

function foreignImport(path: string, specifier: string): readonly string[] {
  const folder = folderOf(path);
  if (NEVER.test(specifier)) return [`${path}: loads ${specifier}`];
  if (specifier.startsWith('node:') && levelOf(folder) < FIRST_IMPURE) return [`${path}: imports ${specifier}`];
  const owner = OWNED.find(([pattern]) => pattern.test(specifier));
  if (
    owner === undefined ||
    (folder !== null && (owner[1].includes(folder) || EXCEPTIONS.has(`${folder} ${specifier}`)))
  )
    return [];
  return [`${path}: ${specifier} belongs to ${owner[1].join(', ')}`];
}

export function impurities(path: string, source: string): readonly string[] {
  const code = codeOf(source);
  return IMPURE.flatMap(([pattern, name]) => (pattern.test(code) ? [`${path}: uses ${name}`] : []));
}

/** One line per cycle found; imports of types only make none, for nothing of them is left when the code runs. */
function cycles(modules: readonly (readonly [path: string, source: string])[]): readonly string[] {
  const edges = new Map(
    modules.map(([path, source]) => [
      path,
      importsOf(source).flatMap(({ specifier, typeOnly, dynamic }) =>
        specifier.startsWith('.') && !typeOnly && !dynamic ? [posix.join(posix.dirname(path), specifier)] : [],
      ),
    ]),
  );
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) return void found.push(`cycle: ${[...trail.slice(at), path].join(' -> ')}`);
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const [path] of modules) visit(path, []);
  return found;
}
