/** What is wrong with a contract folder, and where. */
export type FindingCode =
  // files and YAML
  | 'manifest_missing'
  | 'yaml_invalid'
  | 'manifest_invalid'
  | 'file_too_large'
  | 'too_many_policies'
  | 'file_unknown'
  // Cedar
  | 'cedar_syntax'
  | 'cedar_invalid'
  | 'cedar_warning'
  | 'unsupported_node'
  | 'integer_too_large'
  | 'expression_too_deep'
  // what a contract must say
  | 'id_missing'
  | 'id_duplicate'
  | 'cite_missing'
  | 'clause_undocumented'
  | 'clause_unknown'
  | 'source_unknown'
  | 'reading_unknown'
  | 'reading_missing'
  | 'reading_retrospective'
  | 'definition_outside_reading'
  | 'clause_in_reading'
  | 'link_invalid'
  | 'session_named'
  | 'permit_missing'
  | 'word_unknown'
  | 'fact_guarded'
  // money terms
  | 'value_inexact'
  | 'value_out_of_range'
  | 'due_invalid'
  | 'term_dates'
  | 'term_void'
  | 'term_unused'
  | 'form_unknown'
  | 'term_unmatched'
  // several contracts together
  | 'effective_empty'
  | 'effective_overlap'
  | 'supersedes_unknown'
  | 'supersedes_cycle'
  | 'term_duplicate'
  | 'on_top_of_unknown'
  | 'on_top_of_cycle'
  | 'on_top_of_twice'
  // what clauses come to, over every request that they can tell apart
  | 'clause_dead'
  | 'clause_shadowed'
  | 'clause_ambiguous'
  | 'clauses_contradict'
  | 'no_place_left'
  | 'place_unreachable'
  | 'word_not_configured'
  | 'never_in_force'
  | 'fact_computed'
  | 'fact_space_too_wide';

export interface Finding {
  /** An error keeps the contract from loading; a note is nothing wrong. */
  readonly level: 'error' | 'warning' | 'note';
  /** Stable. */
  readonly code: FindingCode;
  readonly message: string;
  /** Path within the contract's folder. */
  readonly file: string;
  /** From 1; null if it is about the whole file. */
  readonly line: number | null;
  readonly hint: string | null;
}

export type Report = (finding: Finding) => void;

/** `file:line: level code: message (hint)`. */
export function findingLine(finding: Finding): string {
  const at = finding.line === null ? finding.file : `${finding.file}:${finding.line}`;
  const hint = finding.hint === null ? '' : ` (${finding.hint})`;
  return `${at}: ${finding.level} ${finding.code}: ${finding.message}${hint}`;
}

/** The candidate nearest to a word, if near enough to have been meant. */
export function didYouMean(word: string, candidates: Iterable<string>): string | null {
  const most = word.length < 5 ? 1 : 2;
  let best: string | null = null;
  let bestDistance = most + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate, most);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions and substitutions between two words; anything above `most` is only known to be above it. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[b.length] ?? most + 1;
}
