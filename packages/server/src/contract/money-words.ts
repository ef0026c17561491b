/**
 * The words of money terms: clouds, vendors, events, parties, units. A contract may come before the places that it counts, so that a word
 * that nobody has yet is no error; but one that is nearly a known word is almost always a slip, and its term would silently come to nothing.
 */
import { didYouMean } from '@perdure/protocol';
import type { Report } from './finding.ts';
import type { LocatedManifest, Manifest } from './manifest.ts';
import type { Mentions } from './mentions.ts';
import { type TermKind, type TermProblem, termReport } from './money-terms-check.ts';
import { CLOUD_OF_VENDOR, WELL_KNOWN_CLOUDS, WELL_KNOWN_EVENTS } from './schema.ts';

export interface Words {
  readonly clouds: readonly string[];
  readonly vendors: readonly string[];
  readonly events: readonly string[];
}

/** Units that capacity is counted in. Others are allowed, and summed by themselves. */
const UNITS: readonly string[] = ['kW', 'MW', 'GW', 'chips', 'instances', 'nodes', 'racks', 'units', 'PTU'];

/** What a contract itself says, and what everybody knows. */
export function ownWords({ parties, scope }: Pick<Manifest, 'parties' | 'scope'>, { facts }: Mentions): Words {
  const named = (...paths: readonly string[]): readonly string[] =>
    paths.flatMap(path => [...(facts.get(path)?.constants ?? [])].filter(word => typeof word === 'string'));
  return {
    clouds: [...WELL_KNOWN_CLOUDS, ...named('place.cloud')],
    vendors: [...parties, ...(scope?.vendors ?? []), ...named('call.vendor', 'call.product.vendor')],
    events: [...WELL_KNOWN_EVENTS, ...named('call.events')],
  };
}

export function joinWords(all: readonly Words[]): Words {
  const joined = (key: keyof Words): readonly string[] => [...new Set(all.flatMap(words => words[key]))];
  return { clouds: joined('clouds'), vendors: joined('vendors'), events: joined('events') };
}

/** A word of a term, with where it stands in it. */
export interface TermWord {
  readonly kind: TermKind;
  readonly index: number;
  readonly id: string;
  readonly path: readonly PropertyKey[];
  readonly word: string;
}

/** `revenue_of: openai-models` and `revenue_of: openai` are both the revenue with models of the vendor openai. */
export function vendorOf(revenueOf: string): string {
  return revenueOf.replace(/-models$/, '');
}

/** `azure-credits` are drawn down by what is spent on azure; other forms by all spending. */
export function cloudOfCredits(form: string): string | null {
  return /^(.+)-credits$/.exec(form)?.[1] ?? null;
}

/** Every cloud that a term counts the spending or the revenue of. */
export function cloudsOfTerms({ commitments, capacity, prepaid, shares, caps }: Manifest): readonly TermWord[] {
  return [
    ...commitments.map(({ id, counts }, index) => word('commitments', index, id, ['counts', 'cloud'], counts.cloud)),
    ...capacity.flatMap(({ id, cloud }, index) =>
      cloud === null ? [] : [word('capacity', index, id, ['cloud'], cloud)],
    ),
    ...prepaid.flatMap(({ id, form }, index) => {
      const cloud = cloudOfCredits(form);
      return cloud === null ? [] : [word('prepaid', index, id, ['form'], cloud)];
    }),
    ...shares.flatMap(({ id, base: { clouds } }, index) =>
      clouds === 'any' ? [] : clouds.map((cloud, i) => word('shares', index, id, ['base', 'clouds', i], cloud)),
    ),
    ...caps.flatMap(({ id, scope: { cloud } }, index) =>
      cloud === null ? [] : [word('caps', index, id, ['scope', 'cloud'], cloud)],
    ),
  ];
}

/** Every vendor that a share is of. */
export function vendorsOfTerms({ shares }: Manifest): readonly TermWord[] {
  return shares.map(({ id, base }, index) =>
    word('shares', index, id, ['base', 'revenue_of'], vendorOf(base.revenue_of)),
  );
}

function word(kind: TermKind, index: number, id: string, path: readonly PropertyKey[], text: string): TermWord {
  return { kind, index, id, path, word: text };
}

function partiesOfTerms({ commitments, capacity, prepaid, tranches, shares }: Manifest): readonly TermWord[] {
  const payments = { commitments, tranches, shares };
  return [
    ...(['commitments', 'tranches', 'shares'] as const).flatMap(kind =>
      payments[kind].flatMap(({ id, payer, payee }, index) => [
        word(kind, index, id, ['payer'], payer),
        word(kind, index, id, ['payee'], payee),
      ]),
    ),
    ...prepaid.flatMap(({ id, payer, to }, index) => [
      word('prepaid', index, id, ['payer'], payer),
      word('prepaid', index, id, ['to'], to),
    ]),
    ...capacity.map(({ id, provider }, index) => word('capacity', index, id, ['provider'], provider)),
  ];
}

function eventsOfTerms({ tranches }: Manifest): readonly TermWord[] {
  return tranches.flatMap(({ id, due }, index) => {
    if ('on' in due) return [];
    const [quantity, events] = 'any' in due.when ? (['any', due.when.any] as const) : (['all', due.when.all] as const);
    return events.map((event, i) => word('tranches', index, id, ['when', quantity, i], event));
  });
}

/** Reports words that are nearly known. */
export function checkTermWords(located: LocatedManifest, words: Words, report: Report): void {
  const { manifest } = located;
  const at = termReport(located, report);
  const slips = (what: string, found: readonly TermWord[], meant: (text: string) => string | null): void => {
    for (const { kind, index, id, path, word: text } of found) {
      const near = meant(text);
      if (near === null) continue;
      const message = `no ${what} is called ${text}`;
      at(kind, index, id, { level: 'warning', code: 'word_unknown', path, message, hint: `did you mean ${near}?` });
    }
  };
  slips('cloud', cloudsOfTerms(manifest), text => cloudMeant(text, words.clouds));
  slips('event', eventsOfTerms(manifest), text => nearest(text, words.events));
  slips('party', partiesOfTerms(manifest), text => nearest(text, words.vendors));
  for (const [index, { id, base }] of manifest.shares.entries()) {
    const problem = revenueProblem(base.revenue_of, words.vendors);
    if (problem !== null) at('shares', index, id, { path: ['base', 'revenue_of'], ...problem });
  }
  for (const [index, { id, unit }] of manifest.capacity.entries()) {
    if (UNITS.includes(unit)) continue;
    const near = UNITS.find(one => one.toLowerCase() === unit.toLowerCase()) ?? didYouMean(unit, UNITS);
    const hint = near === null ? `known are ${UNITS.join(', ')}` : `did you mean ${near}?`;
    const message = `the unit ${unit} is not known: it is summed by itself`;
    at('capacity', index, id, { level: 'warning', code: 'word_unknown', path: ['unit'], message, hint });
  }
}

/** The cloud that was meant, also by who makes it. */
export function cloudMeant(text: string, known: readonly string[]): string | null {
  return known.includes(text) ? null : (CLOUD_OF_VENDOR[text] ?? nearest(text, known));
}

/** The known word that was meant. `milestone-1` and `milestone-2` are two words, not one and a slip. */
export function nearest(text: string, known: readonly string[]): string | null {
  if (known.includes(text)) return null;
  const withoutDigits = (one: string): string => one.replace(/\d+/g, '0');
  return didYouMean(
    text,
    known.filter(one => withoutDigits(one) !== withoutDigits(text)),
  );
}

/** A vendor can be made known by naming it: among the parties, or in the scope. So a slip of one is an error. */
function revenueProblem(revenueOf: string, vendors: readonly string[]): TermProblem | null {
  const vendor = vendorOf(revenueOf);
  if (vendors.length === 0 || vendors.includes(vendor)) return null;
  const near = nearest(vendor, vendors);
  if (near !== null) {
    const hint = `did you mean ${near}-models?`;
    return { code: 'word_unknown', message: `no vendor is called ${vendor}`, hint };
  }
  const maker = vendor === revenueOf ? vendors.find(one => revenueOf.startsWith(`${one}-`)) : undefined;
  if (maker !== undefined) {
    const message = `there is no revenue of ${revenueOf}: a share is of a vendor's models`;
    return { code: 'form_unknown', message, hint: `write ${maker}-models` };
  }
  const hint = `vendors here: ${[...new Set(vendors)].join(', ')}; another is named among the parties or in the scope`;
  return { level: 'warning', code: 'word_unknown', message: `nothing else here names the vendor ${vendor}`, hint };
}
