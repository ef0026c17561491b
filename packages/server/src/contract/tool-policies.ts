/** Permissions: folders of `*.cedar`, loaded and compiled as the clauses of contracts are, over a vocabulary of their own. */
import type { Cedar } from './cedar.ts';
import { parseCedarFile, type PolicySource } from './cedar-source.ts';
import { UnsupportedPolicy } from './expression.ts';
import type { Finding, Report } from './finding.ts';
import { MAX_FILE_CHARS, MAX_POLICIES } from './load-with.ts';
import { type CompiledPolicy, compilePolicy } from './policy.ts';
import type { ContractFiles } from './rule.ts';
import { validateAgainstSchema } from './schema-check.ts';
import { type ToolFacts, toolEnv } from './tool-facts.ts';
import { TOOL_ORIGINS, TOOL_SCHEMA } from './tool-schema.ts';
import { type EntityValue, entityValue } from './value.ts';

export interface ToolPolicyRef {
  readonly id: string;
  readonly cite: string | null;
  readonly effect: 'permit' | 'forbid';
  readonly file: string;
  readonly line: number;
}

export interface ToolPolicies {
  readonly policies: readonly ToolPolicyRef[];
  /** An error is a policy that could not be evaluated: whoever asked must deny. */
  readonly judge: (
    action: string,
    facts: ToolFacts,
  ) => {
    readonly permits: readonly ToolPolicyRef[];
    readonly forbids: readonly ToolPolicyRef[];
    readonly errors: readonly ToolPolicyRef[];
  };
}

export interface LoadedToolPolicies {
  /** Null if any finding is an error. */
  readonly policies: ToolPolicies | null;
  readonly findings: readonly Finding[];
}

/** @param files of all folders, by a path that names the folder too */
export function loadToolPolicies(cedar: Cedar, files: ContractFiles): LoadedToolPolicies {
  const findings: Finding[] = [];
  const told = new Set<string>();
  // Cedar says the same of each action that a policy is about.
  const report: Report = finding => {
    const text = JSON.stringify(finding).replaceAll(/ for Action::\\"\w+\\"/g, '');
    if (!told.has(text)) findings.push(finding);
    told.add(text);
  };
  const paths = Object.keys(files)
    .filter(path => path.endsWith('.cedar'))
    .toSorted();
  for (const file of paths) {
    const { length } = files[file] ?? '';
    if (length <= MAX_FILE_CHARS) continue;
    const message = `${length} characters; a file may have ${MAX_FILE_CHARS}`;
    report({ level: 'error', code: 'file_too_large', message, file, line: null, hint: null });
  }
  const failed = (): boolean => findings.some(({ level }) => level === 'error');
  if (failed()) return { policies: null, findings };
  const sources = paths.flatMap(path => parseCedarFile(cedar, path, files[path] ?? '', report));
  if (!failed()) checkSources(sources, report);
  if (!failed()) {
    const rules = sources.map(source => ({ id: source.id, source, reading: null, link: null }));
    if (rules.length > 0) validateAgainstSchema(cedar, rules, files, report, TOOL_SCHEMA);
  }
  const compiled = failed() ? [] : sources.flatMap(source => compiledOf(source, report));
  return { policies: failed() ? null : makePolicies(compiled), findings };
}

function checkSources(sources: readonly PolicySource[], report: Report): void {
  const wrong = (
    { file, line }: PolicySource,
    code: Finding['code'],
    message: string,
    hint: string | null = null,
    level: Finding['level'] = 'error',
  ): void => report({ level, code, message, file, line, hint });
  const [first] = sources;
  if (first !== undefined && sources.length > MAX_POLICIES)
    wrong(first, 'too_many_policies', `${sources.length} policies; there may be ${MAX_POLICIES}`);
  const seen = new Map<string, PolicySource>();
  for (const source of sources) {
    const before = seen.get(source.id);
    if (before !== undefined)
      wrong(source, 'id_duplicate', `${source.id} is already the id of ${before.file}:${before.line}`);
    seen.set(source.id, source);
    if (source.isTemplate)
      wrong(source, 'link_invalid', `${source.id} is a template, which nothing links`, 'write the policy out');
    for (const word of originsIn(source.est))
      if (!TOOL_ORIGINS.includes(word))
        wrong(
          source,
          'word_unknown',
          `${source.id}: origin is never ${JSON.stringify(word)}`,
          `one of ${TOOL_ORIGINS.join(', ')}`,
          'warning',
        );
  }
}

/** What `resource.origin` is compared with. */
function originsIn(json: unknown): readonly string[] {
  if (typeof json !== 'object' || json === null) return [];
  const { left, right } = json as { readonly left?: unknown; readonly right?: unknown };
  const words = [
    [left, right],
    [right, left],
  ].flatMap(([one, other]) => {
    const access = fieldOf(one, '.');
    const word = fieldOf(other, 'Value');
    return fieldOf(access, 'attr') === 'origin' && typeof word === 'string' ? [word] : [];
  });
  return [...words, ...Object.values(json).flatMap(originsIn)];
}

function fieldOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>)[name] : undefined;
}

interface Compiled {
  readonly ref: ToolPolicyRef;
  readonly policy: CompiledPolicy;
}

function compiledOf({ id, cite, file, line, est }: PolicySource, report: Report): readonly Compiled[] {
  try {
    const policy = compilePolicy(est);
    return [{ ref: { id, cite: cite === '' ? null : cite, effect: policy.effect, file, line }, policy }];
  } catch (error) {
    if (!(error instanceof UnsupportedPolicy)) throw error;
    report({ level: 'error', code: error.code, message: `${id}: ${error.message}`, file, line, hint: null });
    return [];
  }
}

function makePolicies(compiled: readonly Compiled[]): ToolPolicies {
  const byAction = new Map<string, { readonly action: EntityValue; readonly live: readonly Compiled[] }>();
  const forAction = (name: string): { readonly action: EntityValue; readonly live: readonly Compiled[] } => {
    let found = byAction.get(name);
    if (found === undefined) {
      const action = entityValue('Action', name, null);
      found = { action, live: compiled.filter(({ policy }) => policy.matchesAction(action.key)) };
      byAction.set(name, found);
    }
    return found;
  };
  return {
    policies: compiled.map(({ ref }) => ref),
    judge(name, facts) {
      const { action, live } = forAction(name);
      const permits: ToolPolicyRef[] = [];
      const forbids: ToolPolicyRef[] = [];
      const errors: ToolPolicyRef[] = [];
      if (live.length === 0) return { permits, forbids, errors };
      const env = toolEnv(action, facts);
      for (const { ref, policy } of live) {
        const outcome = policy.evaluate(env);
        if (outcome === 'not') continue;
        (outcome !== 'applies' ? errors : ref.effect === 'permit' ? permits : forbids).push(ref);
      }
      return { permits, forbids, errors };
    },
  };
}
