/** Time as a dimension: the spans between the dates of contracts and the moments that clauses compare with. */
import { choice, type Dimension } from './dimension.ts';
import type { SpaceParts } from './axis.ts';

const DAY = 86_400_000;

/** The representative of a span is its first moment; of the one without a first, the moment before its end. */
export function momentDimension(parts: Pick<SpaceParts, 'contracts' | 'mentions' | 'from' | 'to'>): Dimension<number> {
  const { from, to } = parts;
  const cuts = new Set<number>();
  for (const { effective } of parts.contracts) {
    if (effective.from !== null) cuts.add(effective.from);
    if (effective.to !== null) cuts.add(effective.to);
  }
  for (const { constants, isTime } of parts.mentions.facts.values()) {
    // `<=` and `==` hold at the moment itself and not just after it.
    if (isTime) for (const one of constants) if (typeof one === 'number') cuts.add(one).add(one + 1);
  }
  if (from !== null && from === to) return dimension([[from, from + 1]]);
  const sorted = [...cuts].filter(cut => (from === null || cut > from) && (to === null || cut < to));
  const edges = [from, ...sorted.toSorted((a, b) => a - b), to];
  const spans = edges.slice(1).map((end, i) => [edges[i] ?? null, end] as const);
  return dimension(spans);
}

type Span = readonly [first: number | null, end: number | null];

function dimension(spans: readonly Span[]): Dimension<number> {
  return {
    name: 'at',
    noun: 'time',
    prefix: '',
    choices: spans.map(span => choice(spanText(span), span[0] ?? (span[1] === null ? 0 : span[1] - 1))),
    ordered: (first, last) => spanText([spans[first]?.[0] ?? null, spans[last]?.[1] ?? null]),
  };
}

export function spanText([first, end]: Span): string {
  if (first === null && end === null) return 'at any time';
  if (first !== null && end === first + 1) return `at ${momentText(first)}`;
  if (first === null) return `before ${momentText(end ?? 0)}`;
  if (end === null) return `from ${momentText(first)}`;
  return `from ${momentText(first)} until ${momentText(end)}`;
}

/** A day where it begins, else a moment, in UTC. */
export function momentText(ms: number): string {
  const text = new Date(ms).toISOString();
  return ms % DAY === 0 ? text.slice(0, 10) : text.replace('.000Z', 'Z');
}
