/** The dimensions of labels: of the session, of the request, or of either where no clause tells which. */
import type { Axis, Draft, SpaceParts } from './axis.ts';
import { choice, type Dimension } from './dimension.ts';
import { MAX_LABELS, SpaceTooWide } from './space-bounds.ts';

/** One that no clause names, and that no operator can give. */
const OTHER = 'another-label';

export interface LabelsByHolder {
  /** Of the session, of the request, and of either. */
  readonly alone: readonly string[];
  readonly request: readonly string[];
  readonly joint: readonly string[];
}

export function labelsByHolder(parts: SpaceParts): LabelsByHolder {
  const { facts } = parts.mentions;
  const [session, request] = ['session.labels', 'call.labels'].map(path => (facts.has(path) ? labelsOf(parts) : []));
  if (session === undefined || request === undefined || session.length === 0 || request.length === 0)
    return { alone: session ?? [], request: request ?? [], joint: [] };
  const apart = session.filter(label => parts.labelsApart?.has(label) ?? true);
  return { alone: apart, request: apart, joint: session.filter(label => !apart.includes(label)) };
}

/** A dimension for each label: the session, the request, or either of them has it or not. */
export function labelAxes(
  labels: readonly string[],
  who: string,
  tells: readonly string[],
  add: (draft: Draft, label: string) => void,
): readonly Axis[] {
  return labels.map(label => ({
    dimension: labelDimension(who === 'data' ? `label:${label}` : `${who}-label:${label}`, who, label),
    set: (draft: Draft, has: boolean) => {
      if (has) add(draft, label);
    },
    tells,
    word: label,
  }));
}

function labelDimension(name: string, who: string, label: string): Dimension<boolean> {
  const word = label === OTHER ? 'any other label' : label;
  return {
    name,
    noun: 'labels',
    prefix: '',
    choices: [choice(`${who} without ${word}`, false), choice(`${who} with ${word}`, true)],
  };
}

/**
 * Every label that clauses or places name, and one that none does if clearances are compared with labels.
 * @throws SpaceTooWide
 */
export function labelsOf({ mentions, places }: Pick<SpaceParts, 'mentions' | 'places'>): readonly string[] {
  const { facts, pairs } = mentions;
  const paths = ['session.labels', 'call.labels', 'place.clearances'];
  if (!paths.some(path => facts.has(path))) return [];
  const named = paths.flatMap(path => [...(facts.get(path)?.constants ?? [])].map(String));
  const compared = pairs.some(pair => pair.includes('place.clearances'));
  const cleared = compared ? (places ?? []).flatMap(place => place.clearances) : [];
  const all = [...new Set([...named, ...cleared])].toSorted();
  const labels = compared || all.length === 0 ? [...all, OTHER] : all;
  if (labels.length <= MAX_LABELS) return labels;
  throw new SpaceTooWide(
    `clauses and places tell ${labels.length} labels apart (${labels.join(', ')}); at most ${MAX_LABELS} are looked at. ` +
      'Narrow them: look at fewer contracts at once, or with --config at places that are cleared for fewer labels',
  );
}
