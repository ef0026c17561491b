/**
 * The request classes of a space, looked at together where they must come out alike: from fact to fact, a fact that no clause reads which can still
 * apply has one value for all.
 *
 * C1. The boxes hold every point of the space, and each of them once.
 * C2. Every clause applies to all points of a box at the same places, or to none.
 */
import { type Axis, type Draft, type ReadFact, requestAt, type SpaceClause, type SpaceParts } from './axis.ts';
import { inScope } from './bind.ts';
import { type Box, firstPoint } from './boxes.ts';
import type { ContractRules, ToldCall } from './ports.ts';
import { isEffective } from './snapshot.ts';

/** A clause, by the axes. */
interface Reader {
  readonly reads: ReadonlySet<number>;
  /** What it needs, by the last axis that this depends on. */
  readonly needs: readonly { readonly after: number; readonly holds: (at: Request) => boolean }[];
}

interface Request {
  readonly action: Draft['action'] | 'distribute';
  readonly facts: ToldCall;
}

/** Facts by which contracts bind, before any of their clauses is asked. */
const ALWAYS: ReadonlySet<string> = new Set(['action', 'at', 'product']);
/** Those that leave clauses out come first. */
const FIRST: readonly string[] = ['action', 'at', 'vendor'];

/** @throws whatever `tooMany` throws, if there are more than `most` */
export function classBoxes(
  axes: readonly Axis[],
  clauses: SpaceParts['clauses'],
  most: number,
  tooMany: () => never,
): readonly Box[] {
  const order = [...axes.keys()].toSorted((a, b) => rank(axes, a) - rank(axes, b) || a - b);
  const every = axes.map(({ dimension }) => dimension.choices.map((_, i) => i));
  const single = every.map(all => all.map(i => [i]));
  const readers = clauses?.flatMap(([contract, list]) => readersOf(contract, list, axes, order)) ?? null;
  const point = axes.map(() => 0);
  const box: (readonly number[])[] = [...every];
  const boxes: Box[] = [];

  const walk = (depth: number, alive: readonly Reader[] | null): void => {
    const axis = order[depth];
    if (axis === undefined) {
      boxes.push([...box]);
      if (boxes.length > most) tooMany();
      return;
    }
    const all = every[axis] ?? [];
    if (all.length > 1 && isIdle(axis, alive)) {
      point[axis] = 0;
      box[axis] = all;
      walk(depth + 1, alive);
      return;
    }
    for (const i of all) {
      point[axis] = i;
      box[axis] = single[axis]?.[i] ?? [i];
      walk(depth + 1, alive === null ? null : left(alive, depth));
    }
    point[axis] = 0;
  };
  const isIdle = (axis: number, alive: readonly Reader[] | null): boolean => {
    const name = axes[axis]?.dimension.name ?? '';
    if (alive === null || ALWAYS.has(name)) return false;
    // Model calls are in the scope of a contract by their vendor, and served by it.
    if (name === 'vendor' && requestAt(axes, point).action === 'infer') return false;
    return !alive.some(({ reads }) => reads.has(axis));
  };
  const isSale = !axes.some(({ dimension }) => dimension.name === 'action');
  const left = (alive: readonly Reader[], depth: number): readonly Reader[] => {
    if (!alive.some(({ needs }) => needs.some(({ after }) => after === depth))) return alive;
    const { action, facts } = requestAt(axes, point);
    const request: Request = { action: isSale ? 'distribute' : action, facts };
    return alive.filter(({ needs }) => needs.every(({ after, holds }) => after !== depth || holds(request)));
  };
  walk(0, readers);
  const codes = new Map(boxes.map(one => [one, codeOf(firstPoint(one), every)] as const));
  return boxes.toSorted((a, b) => (codes.get(a) ?? 0) - (codes.get(b) ?? 0));
}

function rank(axes: readonly Axis[], axis: number): number {
  const first = FIRST.indexOf(axes[axis]?.dimension.name ?? '');
  return first < 0 ? FIRST.length : first;
}

function codeOf(point: readonly number[], every: readonly (readonly number[])[]): number {
  return point.reduce((code, chosen, i) => code * (every[i]?.length ?? 1) + chosen, 0);
}

function readersOf(
  contract: ContractRules,
  clauses: readonly SpaceClause[],
  axes: readonly Axis[],
  order: readonly number[],
): readonly Reader[] {
  const indexOf = new Map(order.map((axis, depth) => [axes[axis]?.dimension.name ?? '', depth] as const));
  const depthOf = (names: readonly string[]): number => Math.max(-1, ...names.map(name => indexOf.get(name) ?? -1));
  const hasAction = indexOf.has('action');
  return clauses.flatMap(({ of, actions, reads, needs }) => {
    if (of === 'definition' ? !hasAction : of === 'place' && !hasAction) return [];
    const needed = needs.map(need => ({
      after: Math.max(-1, ...[...axesOf(need.reads, axes)].map(axis => order.indexOf(axis))),
      holds: ({ facts }: Request) => need.holds(facts),
    }));
    return [
      {
        reads: axesOf(reads, axes),
        needs: [
          { after: depthOf(['at']), holds: ({ facts }: Request) => isEffective(contract, facts.at) },
          {
            after: depthOf(['action', 'vendor', 'product']),
            holds: ({ action, facts: { vendor, session } }: Request) =>
              inScope(contract, action, vendor, session.product),
          },
          ...(of === 'place'
            ? [{ after: depthOf(['action']), holds: ({ action }: Request) => actions?.has(action) ?? true }]
            : []),
          ...needed,
        ],
      },
    ];
  });
}

function axesOf(reads: readonly ReadFact[], axes: readonly Axis[]): ReadonlySet<number> {
  return new Set(
    [...axes.keys()].filter(i => {
      const axis = axes[i];
      return axis !== undefined && reads.some(read => isRead(axis, read));
    }),
  );
}

function isRead({ tells, word }: Axis, { path, words }: ReadFact): boolean {
  if (word !== undefined && words !== null && !words.has(word)) return false;
  return tells.some(told => path === '' || told === path || told.startsWith(`${path}.`) || path.startsWith(`${told}.`));
}
