/**
 * What is wrong with money terms whatever is configured: days out of order, terms that can never come to anything, forms that nothing
 * counts, amounts that a number does not hold. Shapes and bounds are the schema's.
 */
import { didYouMean } from '@perdure/protocol';
import type { Finding, FindingCode, Report } from './finding.ts';
import { type LocatedManifest, MANIFEST_FILE } from './manifest.ts';
import { MOST_DIGITS } from './manifest-words.ts';
import { moneyKeys, type MoneyTerms } from './money-terms.ts';
import { WELL_KNOWN_CLOUDS } from './schema.ts';

export type TermKind = keyof MoneyTerms;

/** One of each kind, as findings call it. */
const TERM_NAMES: { readonly [Kind in TermKind]: string } = {
  commitments: 'commitment',
  capacity: 'capacity',
  prepaid: 'prepaid',
  tranches: 'tranche',
  shares: 'share',
  caps: 'cap',
};

export interface TermProblem {
  readonly level?: Finding['level'];
  readonly code: FindingCode;
  /** Within the term. */
  readonly path?: readonly PropertyKey[];
  readonly message: string;
  readonly hint?: string | null;
}

/** Reports a problem of a term where it stands. */
export function termReport({ lineOf }: LocatedManifest, report: Report) {
  return (kind: TermKind, index: number, id: string, problem: TermProblem): void => {
    const { level = 'error', code, path = [], message, hint = null } = problem;
    const line = lineOf([kind, index, ...path]);
    report({ level, code, message: `${TERM_NAMES[kind]} ${id}: ${message}`, file: MANIFEST_FILE, line, hint });
  };
}

export function checkMoneyTerms(located: LocatedManifest, report: Report): void {
  const { manifest } = located;
  const at = termReport(located, report);
  checkIds(located, at);
  checkDigits(located, at);
  for (const kind of ['commitments', 'capacity'] as const) {
    for (const [i, { id, from, to }] of manifest[kind].entries()) {
      const problem = to === null ? null : (order(from, to) ?? over(located, to, 'to'));
      if (problem !== null) at(kind, i, id, problem);
    }
  }
  for (const [i, { id, form, from, until }] of manifest.prepaid.entries()) {
    const problem = formProblem(form);
    if (problem !== null) at('prepaid', i, id, problem);
    const never =
      until === null ? null : ((from === null ? null : order(from, until, 'until')) ?? over(located, until, 'until'));
    if (never !== null) at('prepaid', i, id, never);
  }
  for (const [i, tranche] of manifest.tranches.entries()) {
    for (const problem of trancheProblems(located, tranche)) at('tranches', i, tranche.id, problem);
  }
  for (const [i, share] of manifest.shares.entries()) {
    for (const problem of shareProblems(located, share)) at('shares', i, share.id, problem);
  }
}

type At = ReturnType<typeof termReport>;
type Terms = { readonly [Kind in TermKind]: readonly { readonly id: string }[] };
export const TERM_KINDS: readonly TermKind[] = Object.keys(moneyKeys) as TermKind[];

/** Ids are one list over all kinds: a statement, a budget and an alert name a term by its id alone. */
function checkIds({ manifest, lineOf }: LocatedManifest, at: At): void {
  const terms: Terms = manifest;
  const seen = new Map<string, readonly [TermKind, number]>();
  for (const kind of TERM_KINDS) {
    for (const [i, { id }] of terms[kind].entries()) {
      const first = seen.get(id);
      if (first === undefined) seen.set(id, [kind, i]);
      else {
        const message = `two money terms are called ${id}: line ${lineOf([...first, 'id']) ?? '?'} has the other`;
        at(kind, i, id, { code: 'term_duplicate', path: ['id'], message, hint: 'rename one' });
      }
    }
  }
}

const NUMBERS = ['amount_usd', 'cap_usd', 'percent', 'amount', 'notice_business_days'] as const;

/** A number keeps so many digits. More are cut when the file is read, and what is written would not be what counts. */
function checkDigits({ manifest, written }: LocatedManifest, at: At): void {
  const terms: Terms = manifest;
  for (const kind of TERM_KINDS) {
    for (const [i, { id }] of terms[kind].entries()) {
      for (const key of NUMBERS) {
        const text = written([kind, i, key]);
        if (text === null || digitsOf(text) <= MOST_DIGITS) continue;
        const message = `${key} is written with more digits than are kept: at most ${MOST_DIGITS}, before and behind the point together`;
        at(kind, i, id, { code: 'value_inexact', path: [key], message });
      }
    }
  }
}

/** Of a decimal number; zeros at its ends do not count. Other writings of a number have no digits to lose. */
function digitsOf(text: string): number {
  const [, before = '', behind = ''] = /^[-+]?(\d*)\.?(\d*)(?:[eE][-+]?\d+)?$/.exec(text) ?? [];
  return (before + behind).replace(/^0+/, '').replace(behind === '' ? /$/ : /0+$/, '').length;
}

function order(from: string, to: string, key = 'to'): TermProblem | null {
  if (from < to) return null;
  const message = `from ${from} until ${to} (exclusive) is no time at all`;
  return {
    code: 'term_dates',
    path: [key],
    message,
    hint: from > to ? `swap from and ${key}` : `\`${key}\` is the first day after`,
  };
}

/**
 * A term holds from the day on which its contract begins. One that is over by then never holds; but for one that an earlier set has, and that
 * this one so ends.
 */
function over({ manifest }: LocatedManifest, end: string, key: string): TermProblem | null {
  const { effective, supersedes } = manifest;
  if (effective.from === null || effective.from < end || supersedes.length > 0) return null;
  const message = `it is over on ${end}, and its contract begins on ${effective.from}: it never holds`;
  return { code: 'term_void', path: [key], message, hint: `look at ${key} and at effective.from` };
}

function trancheProblems(located: LocatedManifest, tranche: MoneyTerms['tranches'][number]): readonly TermProblem[] {
  const { due, before, notice_business_days: notice } = tranche;
  if (!('on' in due)) {
    const problem = before === null ? null : over(located, before, 'before');
    return problem === null ? [] : [problem];
  }
  const problems: TermProblem[] = [];
  if (before !== null && before <= due.on) {
    const message = `due on ${due.on}, and only before ${before}: never`;
    problems.push({ code: 'term_dates', path: ['before'], message, hint: 'a day that is due needs no before' });
  } else if (before !== null) problems.push(unused('before', 'it bounds events, and this tranche is due on a day'));
  if (notice > 0)
    problems.push(unused('notice_business_days', 'notice runs from events, and this tranche is due on a day'));
  return problems;
}

function unused(key: string, why: string): TermProblem {
  return {
    level: 'warning',
    code: 'term_unused',
    path: [key],
    message: `${key} says nothing here: ${why}`,
    hint: 'remove it',
  };
}

function shareProblems(located: LocatedManifest, share: MoneyTerms['shares'][number]): readonly TermProblem[] {
  const { percent, base, to } = share;
  const problems: TermProblem[] = [];
  const ended = to === null ? null : over(located, to, 'to');
  if (ended !== null) problems.push(ended);
  if (percent === 0 && located.manifest.supersedes.length === 0) {
    const hint = 'only a contract that supersedes another may so end its share';
    problems.push({ code: 'term_void', path: ['percent'], message: '0 percent comes to nothing', hint });
  }
  if (base.clouds !== 'any' && base.clouds.includes('any')) {
    const message = '`any` in a list is a cloud of that name';
    problems.push({ code: 'form_unknown', path: ['base', 'clouds'], message, hint: 'write clouds: any' });
  }
  return problems;
}

/** Forms of credit: of one cloud, of any cloud, or money. */
const ANY_FORMS = ['credits', 'cash'];

function formProblem(form: string): TermProblem | null {
  if (ANY_FORMS.includes(form) || /^.+-credits$/.test(form)) return null;
  const near = didYouMean(form, [...ANY_FORMS, ...WELL_KNOWN_CLOUDS.map(cloud => `${cloud}-credits`)]);
  const hint = near === null ? `one of CLOUD-credits, ${ANY_FORMS.join(', ')}` : `did you mean ${near}?`;
  return { code: 'form_unknown', path: ['form'], message: `there is no form ${form}`, hint };
}
