/** What a session did with its state, as one dimension: counts that no definition can tell apart are one value. */
import { boxesOf, type Point } from './boxes.ts';
import { boxPhrase, choice, type Choice } from './dimension.ts';
import { type Axis, type Draft, pointsOf, requestAt } from './axis.ts';
import type { ToldCall } from './ports.ts';
import { MAX_CLASSES, SpaceTooWide } from './space-bounds.ts';

/**
 * @param counts an axis for each count that definitions read
 * @param others the axes of everything else
 * @param classOf the classes of a request, joined
 * @throws SpaceTooWide
 */
export function useAxis(
  counts: readonly Axis[],
  others: readonly Axis[],
  classOf: (facts: ToldCall) => string,
): readonly Axis[] {
  if (counts.length === 0) return [];
  // No definition sees the action.
  const base = others.filter(({ dimension }) => dimension.name !== 'action');
  const all = [...base, ...counts];
  const size = all.reduce((product, { dimension }) => product * dimension.choices.length, 1);
  if (size > MAX_CLASSES)
    throw new SpaceTooWide(
      `definitions tell ${size} uses of sessions apart; at most ${MAX_CLASSES} are looked at. Narrow them: --at DAY, or --only product=VALUE`,
    );
  const bases = [...pointsOf(base)];
  const alike = new Map<string, Point[]>();
  for (const use of pointsOf(counts)) {
    const signature = bases.map(point => classOf(requestAt(all, [...point, ...use]).facts)).join(' ');
    alike.set(signature, [...(alike.get(signature) ?? []), use]);
  }
  const choices = [...alike.values()].map(points => useChoice(counts, points));
  return [
    {
      dimension: { name: 'use', noun: 'use of the session', prefix: '', choices },
      set: (draft: Draft, use: Readonly<Record<string, number>>) => {
        draft.use = { ...use };
      },
      tells: ['use'],
    },
  ];
}

function useChoice(counts: readonly Axis[], points: readonly Point[]): Choice {
  const dimensions = counts.map(({ dimension }) => dimension);
  const boxes = boxesOf(
    points,
    dimensions.map(({ choices }) => choices.length),
  );
  const [first = []] = points;
  const use = Object.fromEntries(dimensions.map(({ name, choices }, i) => [name, choices[first[i] ?? 0]?.value]));
  const label = boxes.map(box => boxPhrase(dimensions, box).join(' and ') || 'any use').join(', or ');
  return choice(label, use);
}
