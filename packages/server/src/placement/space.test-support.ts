/** Fact spaces of contracts that tests give as files. */
import { CEDAR_HERE } from '../contract/cedar-here.ts';
import { joinApart, labelsApart } from '../contract/labels-apart.ts';
import { joinMentions, mentionsOf } from '../contract/mentions.ts';
import { reachesOf } from '../contract/reach.ts';
import { VOCABULARY } from '../contract/schema.ts';
import { type SpaceParts } from './axis.ts';
import { type FactSpace, makeFactSpace } from './fact-space.ts';
import { type Files, load, PRODUCTS } from './fixture.test-support.ts';

export function partsOf(all: readonly Files[], parts: Partial<SpaceParts> = {}): SpaceParts {
  return {
    mentions: joinMentions(all.map(one => mentionsOf(one, CEDAR_HERE))),
    contracts: all.map(load),
    clauses: all.map(files => [load(files), reachesOf(files, CEDAR_HERE)] as const),
    labelsApart: joinApart(all.map(files => labelsApart(files, CEDAR_HERE))),
    vocabulary: VOCABULARY,
    places: null,
    products: Object.values(PRODUCTS),
    channels: [],
    open: true,
    from: null,
    to: null,
    classByUse: null,
    only: {},
    // What a test says that clauses read is read by none of these.
    ...(parts.mentions === undefined ? {} : { clauses: null, labelsApart: null }),
    ...parts,
  };
}

export function spaceOf(all: readonly Files[], parts: Partial<SpaceParts> = {}): FactSpace {
  return makeFactSpace(partsOf(all, parts));
}

/** A contract of clauses that are given as Cedar, each with its id; everything else is permitted. */
export function contractOf(
  id: string,
  clauses: Readonly<Record<string, string>>,
  more: { readonly yaml?: string; readonly base?: boolean } = {},
): Files {
  const all = more.base === false ? clauses : { [`${id}.base`]: 'permit (principal, action, resource);', ...clauses };
  const cedar = Object.entries(all).map(([clause, text]) => `@id("${clause}") @cite("${clause}") ${text}\n`);
  const notes = Object.keys(all).map(clause => `  ${clause}: {source: s, confidence: A, summary: x}\n`);
  return {
    'contract.yaml': `id: ${id}\nversion: "1"\ntitle: ${id}\n${more.yaml ?? ''}sources: {s: {title: s}}\nclauses:\n${notes.join('')}`,
    'clauses.cedar': cedar.join(''),
  };
}
