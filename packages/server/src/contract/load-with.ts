/**
 * Loads a contract folder: `contract.yaml`, `*.cedar` (clauses), `readings/<id>.cedar` (definitions). Everything that could be wrong
 * is found here, with file and line, so that a loaded contract decides every call.
 */
import { didYouMean } from '@perdure/protocol';
import type { Cedar } from './cedar.ts';
import { parseUid } from './cedar-json.ts';
import { type Contract, makeContract } from './contract.ts';
import type { CompiledClause } from './judge.ts';
import { parseCedarFile, type PolicySource } from './cedar-source.ts';
import { UnsupportedPolicy } from './expression.ts';
import { type MemoPlan, memoPlan } from './remembered.ts';
import type { Finding, Report } from './finding.ts';
import { datetimeMs } from './instant.ts';
import { type Link, type LocatedManifest, MANIFEST_FILE, parseManifest } from './manifest.ts';
import { mentionsOfPolicies } from './mentions.ts';
import { checkMoneyTerms } from './money-terms-check.ts';
import { checkTermWords, ownWords } from './money-words.ts';
import { compilePolicy } from './policy.ts';
import { readsOf } from './reads.ts';
import { type ContractFiles, READING_FILE, readingOf, type Rule, type SlotEntity } from './rule.ts';
import { checkRules } from './rules-check.ts';
import { validateAgainstSchema } from './schema-check.ts';

export interface LoadedContract {
  /** Null if any finding is an error. */
  readonly contract: Contract | null;
  readonly findings: readonly Finding[];
}

/** Characters that one file of a contract may have. */
export const MAX_FILE_CHARS: number = 256 * 1024;
/** Policies (clauses, definitions, links) that one contract may have. */
export const MAX_POLICIES = 500;

export function loadContractWith(cedar: Cedar, files: ContractFiles): LoadedContract {
  const findings: Finding[] = [];
  const report: Report = finding => void findings.push(finding);
  const failed = (): boolean => findings.some(finding => finding.level === 'error');
  const done = (contract: Contract | null): LoadedContract => ({
    contract: failed() ? null : contract,
    findings: findings.toSorted(byPlace),
  });

  checkFiles(files, report);
  const yaml = files[MANIFEST_FILE];
  if (yaml === undefined || failed()) return done(null);
  const located = parseManifest(yaml, report);
  const sources = cedarPaths(files).flatMap(path => parseCedarFile(cedar, path, files[path] ?? '', report));
  if (located === null || failed()) return done(null);
  const rules = link(sources, located, report);
  if (rules.length > MAX_POLICIES) {
    const message = `${rules.length} policies; a contract may have ${MAX_POLICIES}`;
    report({
      level: 'error',
      code: 'too_many_policies',
      message,
      file: MANIFEST_FILE,
      line: null,
      hint: 'split it into contracts',
    });
    return done(null);
  }
  checkRules(rules, sources, files, located, report);
  checkMoneyTerms(located, report);
  checkTermWords(located, ownWords(located.manifest, mentionsOfPolicies(sources, located.manifest.links)), report);
  validateAgainstSchema(cedar, rules, files, report);
  const plan = memoPlan();
  const compiled = rules.flatMap(rule => compileRule(rule, located, plan, report));
  const effective = effectiveRange(located, report);
  if (failed()) return done(null);
  const { manifest } = located;
  const readings = new Map(
    manifest.readings.map(({ id }) => [id, compiled.filter(clause => clause.info.reading === id)] as const),
  );
  return done(
    makeContract({ manifest, effective, readings, clauses: compiled.filter(clause => clause.info.reading === null) }),
  );
}

function byPlace(a: Finding, b: Finding): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0);
}

function cedarPaths(files: ContractFiles): string[] {
  return Object.keys(files)
    .filter(path => path.endsWith('.cedar'))
    .toSorted();
}

function checkFiles(files: ContractFiles, report: Report): void {
  if (files[MANIFEST_FILE] === undefined) {
    const message = `the folder has no ${MANIFEST_FILE}`;
    report({ level: 'error', code: 'manifest_missing', message, file: MANIFEST_FILE, line: null, hint: null });
  }
  for (const [file, text] of Object.entries(files)) {
    if (text.length > MAX_FILE_CHARS) {
      const message = `${text.length} characters; a file may have ${MAX_FILE_CHARS}`;
      report({ level: 'error', code: 'file_too_large', message, file, line: null, hint: null });
    }
    if (file.endsWith('.cedar') && file.includes('/') && !READING_FILE.test(file)) {
      const message = 'clauses lie beside contract.yaml, definitions in readings/';
      report({ level: 'error', code: 'file_unknown', message, file, line: null, hint: 'move or remove it' });
    }
  }
}

/** Static policies as they are, templates once per link. */
function link(sources: readonly PolicySource[], { manifest, lineOf }: LocatedManifest, report: Report): Rule[] {
  const rules: Rule[] = [];
  for (const source of sources) {
    if (!source.isTemplate) rules.push({ id: source.id, source, reading: readingOf(source), link: null });
  }
  for (const [i, entry] of manifest.links.entries()) {
    const line = lineOf(['links', i]);
    const template = sources.find(source => source.isTemplate && source.id === entry.template);
    if (template === undefined) {
      const templates = sources.filter(source => source.isTemplate).map(source => source.id);
      const near = didYouMean(entry.template, templates);
      const hint = near === null ? `templates here: ${templates.join(', ') || 'none'}` : `did you mean ${near}?`;
      const message = `link ${entry.id}: no template ${entry.template}`;
      report({ level: 'error', code: 'link_invalid', message, file: MANIFEST_FILE, line, hint });
      continue;
    }
    const slots = slotsOf(entry, template, line, report);
    if (slots !== null)
      rules.push({ id: entry.id, source: template, reading: readingOf(template), link: { line, slots } });
  }
  return rules;
}

function slotsOf(
  entry: Link,
  template: PolicySource,
  line: number | null,
  report: Report,
): Map<string, SlotEntity> | null {
  const slots = new Map<string, SlotEntity>();
  const refuse = (message: string, hint: string | null): null => {
    report({
      level: 'error',
      code: 'link_invalid',
      message: `link ${entry.id}: ${message}`,
      file: MANIFEST_FILE,
      line,
      hint,
    });
    return null;
  };
  for (const slot of ['principal', 'resource'] as const) {
    const wanted = JSON.stringify(template.est[slot]).includes(`"slot":"?${slot}"`);
    const given = entry[slot];
    if (!wanted && given === null) continue;
    if (given === null) return refuse(`template ${template.id} has a slot ?${slot}`, `add ${slot}: 'Type::"id"'`);
    if (!wanted) return refuse(`template ${template.id} has no slot ?${slot}`, `remove ${slot}`);
    const uid = parseUid(given);
    if (uid === null) return refuse(`${slot} is no entity: ${given}`, `write it 'Cloud::"aws"'`);
    slots.set(`?${slot}`, uid);
  }
  return slots;
}

function compileRule(rule: Rule, { manifest }: LocatedManifest, plan: MemoPlan, report: Report): CompiledClause[] {
  const { id, source, reading } = rule;
  const note = manifest.clauses[id] ?? manifest.clauses[source.id];
  if (note === undefined) return [];
  try {
    const slots = new Map([...(rule.link?.slots ?? [])].map(([slot, uid]) => [slot, uid.key] as const));
    const policy = compilePolicy(source.est, slots, plan);
    const { cite, ambiguous, file, line } = source;
    const ref = { kind: 'clause', contract: manifest.id, clause: id, cite, ambiguous } as const;
    return [
      {
        ref,
        info: { ...ref, ...note, reading, effect: policy.effect, file, line },
        policy,
        reads: readsOf(source.est),
      },
    ];
  } catch (error) {
    if (!(error instanceof UnsupportedPolicy)) throw error;
    report({
      level: 'error',
      code: error.code,
      message: `${id}: ${error.message}`,
      file: source.file,
      line: source.line,
      hint: null,
    });
    return [];
  }
}

function effectiveRange({ manifest, lineOf }: LocatedManifest, report: Report): Contract['effective'] {
  const { from, to } = manifest.effective;
  const range = { from: from === null ? null : datetimeMs(from), to: to === null ? null : datetimeMs(to) };
  if (range.from !== null && range.to !== null && range.from >= range.to) {
    const message = `in force from ${from} until ${to} (exclusive): never`;
    report({
      level: 'error',
      code: 'effective_empty',
      message,
      file: MANIFEST_FILE,
      line: lineOf(['effective']),
      hint: null,
    });
  }
  return range;
}
