/** No shipped set, no two of them, and not all of them together tell more apart than can be looked at. */
import { expect, test } from 'vitest';
import { compare } from '../placement/compare.ts';
import { sideOf, spaceOf } from './contract-space.ts';
import { shippedContracts } from './contracts.ts';
import { checkTogether } from './contracts-deep-check.ts';

const NAMES = shippedContracts();
const RULES = 'example-acme';
const side = (names: readonly string[]) => sideOf(names, '/', { reading: null, onAmbiguity: 'flag' });

/** Boxes of classes that may be looked at, well within the bound; of all sets at once. */
const MOST = 5000;
const MOST_OF_ALL = 50_000;
/** ms: of one comparison, and of all sets at once, on a machine that does other things too. */
const TIME = 60_000;
const TIME_OF_ALL = 180_000;

const PAIRS = NAMES.flatMap(a => NAMES.filter(b => a !== b).map(b => [[a], [b]] as const));
const WITH_RULES = NAMES.filter(name => name !== RULES).map(name => [[name], [name, RULES]] as const);

test.each([...PAIRS, ...WITH_RULES])(
  'diff %s %s',
  (a, b) => {
    const [one, other] = [side(a), side(b)];
    const { space } = spaceOf([one, other], { config: null });
    expect(space.callBoxes.length).toBeLessThan(MOST);
    expect(compare(one.snapshot, other.snapshot, space).changed).toBeGreaterThan(0);
  },
  TIME,
);

test(
  'check of all of them together',
  () => {
    const all = side(NAMES);
    expect(spaceOf([all], { config: null }).space.callBoxes.length).toBeLessThan(MOST_OF_ALL);
    expect(checkTogether(all, { config: null, file: null }).map(({ code }) => code)).toEqual(['clauses_contradict']);
  },
  TIME_OF_ALL,
);
