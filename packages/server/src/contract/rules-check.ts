/** What a contract must say beyond Cedar's own rules: ids, sources, readings, words that somebody has. */
import { didYouMean } from '@perdure/protocol';
import type { PolicySource } from './cedar-source.ts';
import type { Finding, FindingCode, Report } from './finding.ts';
import { type ContractFiles, readingOf, type Rule } from './rule.ts';
import { type LocatedManifest, MANIFEST_FILE } from './manifest.ts';
import { PLACE_ACTIONS, VOCABULARY, WELL_KNOWN_CLOUDS } from './schema.ts';

type Problem = (
  code: FindingCode,
  message: string,
  line: number | null,
  hint?: string | null,
  level?: Finding['level'],
) => void;

export function checkRules(
  rules: readonly Rule[],
  sources: readonly PolicySource[],
  files: ContractFiles,
  located: LocatedManifest,
  report: Report,
): void {
  const inManifest: Problem = (code, message, line, hint = null, level = 'error') =>
    report({ level, code, message, file: MANIFEST_FILE, line, hint });
  checkIds(rules, sources, report);
  checkNotes(rules, sources, located, inManifest, report);
  checkReadings(sources, files, located, inManifest, report);
  checkWords(sources, located, report);
  checkPermits(rules, inManifest);
}

function at(source: PolicySource, report: Report): Problem {
  return (code, message, line, hint = null, level = 'error') =>
    report({ level, code, message, file: source.file, line: line ?? source.line, hint });
}

function checkIds(rules: readonly Rule[], sources: readonly PolicySource[], report: Report): void {
  const seen = new Map<string, Rule>();
  for (const rule of rules) {
    const first = seen.get(rule.id);
    if (first !== undefined) {
      const where = `${first.source.file}:${first.source.line}`;
      at(rule.source, report)('id_duplicate', `${rule.id} is already the id of ${where}`, null);
    }
    seen.set(rule.id, rule);
  }
  for (const source of sources) {
    if (source.est.effect === 'forbid' && source.cite === '') {
      at(source, report)('cite_missing', `${source.id} forbids and cites nothing`, null, 'add @cite("...")');
    }
  }
}

function checkNotes(
  rules: readonly Rule[],
  sources: readonly PolicySource[],
  { manifest, lineOf }: LocatedManifest,
  inManifest: Problem,
  report: Report,
): void {
  const ids = [...new Set([...rules.map(rule => rule.id), ...sources.map(source => source.id)])];
  for (const source of sources) {
    if (manifest.clauses[source.id] !== undefined) continue;
    const hint = `add clauses.${source.id} {source, confidence, summary} to ${MANIFEST_FILE}`;
    at(source, report)('clause_undocumented', `${source.id} has no source and confidence`, null, hint);
  }
  for (const [id, note] of Object.entries(manifest.clauses)) {
    if (!ids.includes(id)) {
      const near = didYouMean(id, ids);
      inManifest(
        'clause_unknown',
        `no policy has the id ${id}`,
        lineOf(['clauses', id]),
        near && `did you mean ${near}?`,
      );
    }
    if (manifest.sources[note.source] === undefined) {
      const near = didYouMean(note.source, Object.keys(manifest.sources));
      const line = lineOf(['clauses', id, 'source']);
      inManifest(
        'source_unknown',
        `clause ${id} names a source that is not listed: ${note.source}`,
        line,
        near && `did you mean ${near}?`,
      );
    }
  }
}

const DEFINITION_ACTION = '{"op":"==","entity":{"type":"Action","id":"stateless"}}';

function checkReadings(
  sources: readonly PolicySource[],
  files: ContractFiles,
  { manifest, lineOf }: LocatedManifest,
  inManifest: Problem,
  report: Report,
): void {
  const declared = manifest.readings.map(reading => reading.id);
  for (const source of sources) {
    const reading = readingOf(source);
    const defines = JSON.stringify(source.est.action) === DEFINITION_ACTION;
    if (reading !== null && !declared.includes(reading)) {
      const near = didYouMean(reading, declared);
      at(source, report)(
        'reading_unknown',
        `${reading} is not among the readings of ${MANIFEST_FILE}`,
        null,
        near && `did you mean ${near}?`,
      );
    }
    if (reading !== null && !defines) {
      at(source, report)(
        'clause_in_reading',
        `${source.id} is no definition`,
        null,
        'a definition has action == Action::"stateless"',
      );
    }
    if (reading === null && JSON.stringify(source.est.action).includes('"stateless"')) {
      at(source, report)(
        'definition_outside_reading',
        `${source.id} defines a class outside any reading`,
        null,
        'move it to readings/',
      );
    }
  }
  for (const [i, { id }] of manifest.readings.entries()) {
    const line = lineOf(['readings', i]);
    if (declared.indexOf(id) !== i) inManifest('id_duplicate', `two readings are called ${id}`, line);
    if (files[`readings/${id}.cedar`] === undefined)
      inManifest('reading_missing', `reading ${id} has no readings/${id}.cedar`, line);
  }
  const wanted = manifest.default_reading;
  const line = lineOf(['default_reading']);
  if (wanted === null) {
    if (declared.length > 0) inManifest('reading_missing', 'a contract with readings names its default_reading', line);
    return;
  }
  const chosen = manifest.readings.find(reading => reading.id === wanted);
  if (chosen === undefined) {
    const near = didYouMean(wanted, declared);
    inManifest('reading_unknown', `default_reading is no reading: ${wanted}`, line, near && `did you mean ${near}?`);
  } else if (chosen.retrospective) {
    inManifest(
      'reading_retrospective',
      `default_reading ${wanted} is retrospective: it cannot decide while a call is made`,
      line,
    );
  }
}

/** Entities and words that nobody has are legal Cedar and never match: almost always a slip. */
function checkWords(sources: readonly PolicySource[], { manifest }: LocatedManifest, report: Report): void {
  const scope = manifest.scope ?? { vendors: [], products: [] };
  const known: Readonly<Record<string, readonly string[]>> = {
    Vendor: [...manifest.parties, ...scope.vendors],
    Product: scope.products,
    Cloud: WELL_KNOWN_CLOUDS,
  };
  for (const source of sources) {
    const problem = at(source, report);
    visit(source.est, node => {
      const { type, id } = node;
      if (typeof type === 'string' && typeof id === 'string') {
        if (type === 'Session')
          problem('session_named', `${source.id} names one session: clauses bind kinds of sessions`, null);
        const ids = known[type] ?? [];
        const near = ids.includes(id) ? null : didYouMean(id, ids);
        if (near !== null)
          problem(
            'word_unknown',
            `${source.id}: nothing is called ${type}::"${id}"`,
            null,
            `did you mean ${near}?`,
            'warning',
          );
      }
      if (asksIfKnown(node['has'], 'spend'))
        problem(
          'fact_guarded',
          `${source.id} asks whether the spend is known: where it is not, the clause would be passed over`,
          null,
          'ask for the spend itself: a clause that cannot know it denies',
        );
      const compared = comparison(node['=='] ?? node['!=']);
      const words = compared === null ? undefined : VOCABULARY[compared.attr];
      if (compared === null || words === undefined || words.includes(compared.word)) return;
      const hint = didYouMean(compared.word, words);
      const message = `${source.id}: ${compared.attr} is never ${JSON.stringify(compared.word)}`;
      problem(
        'word_unknown',
        message,
        null,
        hint === null ? `one of ${words.join(', ')}` : `did you mean ${hint}?`,
        'warning',
      );
    });
  }
}

type Node = Readonly<Record<string, unknown>>;

function isNode(json: unknown): json is Node {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function visit(json: unknown, see: (node: Node) => void): void {
  if (Array.isArray(json)) for (const item of json) visit(item, see);
  if (!isNode(json)) return;
  see(json);
  for (const value of Object.values(json)) visit(value, see);
}

/** `x has attr`, or a path through it. */
function asksIfKnown(json: unknown, attr: string): boolean {
  const path = isNode(json) ? json['attr'] : undefined;
  return path === attr || (Array.isArray(path) && path.includes(attr));
}

/** `x.attr == "word"`, either way round. */
function comparison(json: unknown): { attr: string; word: string } | null {
  if (!isNode(json)) return null;
  for (const [one, other] of [
    [json['left'], json['right']],
    [json['right'], json['left']],
  ]) {
    const access = isNode(one) ? one['.'] : undefined;
    const attr = isNode(access) ? access['attr'] : undefined;
    const word = isNode(other) ? other['Value'] : undefined;
    if (typeof attr === 'string' && typeof word === 'string') return { attr, word };
  }
  return null;
}

/** Each contract in scope must permit: one that permits an action nowhere forbids it everywhere. */
function checkPermits(rules: readonly Rule[], inManifest: Problem): void {
  const permits = rules.filter(rule => rule.reading === null && rule.source.est.effect === 'permit');
  for (const action of [...PLACE_ACTIONS, 'distribute']) {
    const permitted = permits.some(({ source: { est } }) => {
      const scope = JSON.stringify(est.action);
      return est.action.op === 'All' || scope.includes(`"id":"${action}"`);
    });
    if (!permitted) {
      inManifest(
        'permit_missing',
        `no clause permits ${action}: it is forbidden everywhere`,
        null,
        'add a base permit',
        'warning',
      );
    }
  }
}
