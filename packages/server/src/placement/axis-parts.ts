/** What axes of facts are made of: the constants that clauses compare a fact with, and the choices between them. */
import type { Axis, Draft, SpaceParts } from './axis.ts';
import { choice, type Choice, type Dimension } from './dimension.ts';

/** Values of facts that no clause names. None of them can be an id that an operator gives. */
export const OTHER: Readonly<Record<'vendor' | 'tenant' | 'text', string>> = {
  vendor: 'another-vendor',
  tenant: 'another-tenant',
  text: 'anything-else',
};

export function axis<Value>(
  name: string,
  noun: string,
  prefix: string,
  choices: readonly Choice<Value>[],
  set: (draft: Draft, value: Value) => void,
  tells: readonly string[] = [],
): Axis {
  const dimension: Dimension = { name, noun, prefix, choices };
  return { dimension, set, tells };
}

export function constantsOf({ mentions }: SpaceParts, path: string): readonly string[] {
  return [...(mentions.facts.get(path)?.constants ?? [])].filter(one => typeof one === 'string').toSorted();
}

/** Words that clauses compare a fact with, and one for all others, if there are others. */
export function textChoices(parts: SpaceParts, path: string, noun: string): Choice<string>[] {
  const words = parts.vocabulary[path.split('.').at(-1) ?? ''];
  const constants = constantsOf(parts, path);
  // A pattern, or a word that the fact never has: then each of its words counts.
  const named = words === undefined || constants.every(one => words.includes(one)) ? constants : words;
  const other = words === undefined ? OTHER.text : words.find(word => !named.includes(word));
  return [
    ...named.map(word => choice(word, word)),
    ...(other === undefined ? [] : [choice(`any other ${noun}`, other, { rest: true })]),
  ];
}

/** Numbers on both sides of every constant. */
export function numberChoices(constants: Iterable<unknown>, least: number): Choice<number>[] {
  const values = new Set<number>(least === Number.NEGATIVE_INFINITY ? [] : [least]);
  for (const constant of constants) {
    if (typeof constant !== 'number') continue;
    for (const near of [constant - 1, constant, constant + 1]) if (near >= least) values.add(near);
  }
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted.map((value, i) =>
    choice(i === sorted.length - 1 && sorted.length > 1 ? `${value} or more` : String(value), value),
  );
}
