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
