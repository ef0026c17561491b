import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CEDAR_HERE } from '../../contract/cedar-here.ts';
import type { Cedar } from '../../contract/cedar.ts';
import { loadContractWith } from '../../contract/load-with.ts';
import { contractFolder, readContractFolder, shippedContracts } from '../contracts.ts';
import { CedarShelf, type ShelfBounds, shelfFile } from './cedar-shelf.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-shelf-'));
  file = join(folder, 'kept', 'cedar.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Cedar by way of a shelf, and how often it was asked itself. */
function counted(shelf: CedarShelf): { readonly cedar: Cedar; readonly asked: () => number } {
  let asked = 0;
  const told = <Answer>(answer: Answer): Answer => {
    asked += 1;
    return answer;
  };
  const { policySetTextToParts, policyToJson, templateToJson, validate } = CEDAR_HERE;
  const cedar: Cedar = {
    policySetTextToParts: (...args) =>
      shelf.answer('policySetTextToParts', args, () => told(policySetTextToParts(...args))),
    policyToJson: (...args) => shelf.answer('policyToJson', args, () => told(policyToJson(...args))),
    templateToJson: (...args) => shelf.answer('templateToJson', args, () => told(templateToJson(...args))),
    validate: (...args) => shelf.answer('validate', args, () => told(validate(...args))),
  };
  return { cedar, asked: () => asked };
}

const policy = (n: number): string => `permit (principal, action, resource) when { context.n == ${n} };`;

function filled(policies: number, bounds?: ShelfBounds): void {
  const shelf = new CedarShelf(file, bounds);
  const { cedar } = counted(shelf);
  for (let n = 0; n < policies; n++) cedar.policyToJson(policy(n));
  shelf.save();
}

/** Of so many policies, those that a new shelf asks Cedar for. */
function askedAgain(policies: number, bounds?: ShelfBounds): number {
  const { cedar, asked } = counted(new CedarShelf(file, bounds));
  for (let n = 0; n < policies; n++) expect(cedar.policyToJson(policy(n))).toEqual(CEDAR_HERE.policyToJson(policy(n)));
  return asked();
}

test('every shipped set loads from a shelf as it does by Cedar, which is asked for nothing', () => {
  const sets = shippedContracts().map(name => readContractFolder(contractFolder(name, '/')));
  const first = new CedarShelf(file);
  expect(first.isEmpty).toBe(true);
  for (const files of sets) loadContractWith(counted(first).cedar, files);
  first.save();
  const { cedar, asked } = counted(new CedarShelf(file));
  for (const files of sets) {
    const by = loadContractWith(cedar, files);
    const here = loadContractWith(CEDAR_HERE, files);
    expect(by.findings).toEqual(here.findings);
    expect(by.contract?.clauses).toEqual(here.contract?.clauses);
    expect(by.contract?.clauses.length).toBeGreaterThan(0);
  }
  expect(asked()).toBe(0);
  expect(new CedarShelf(file).isEmpty).toBe(false);
});

test('each answer is an object of its own', () => {
  filled(1);
  const { cedar } = counted(new CedarShelf(file));
  expect(cedar.policyToJson(policy(0))).not.toBe(cedar.policyToJson(policy(0)));
});

test('a file that is not whole, or not of a shelf, is none', () => {
  filled(3);
  expect(askedAgain(3)).toBe(0);
  const whole = readFileSync(file);
  for (const at of [0, 20, 44, whole.length >> 1, whole.length - 1]) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    writeFileSync(file, flipped);
    expect(new CedarShelf(file).isEmpty).toBe(true);
  }
  for (const text of ['', '{}', whole.subarray(0, -1), whole.subarray(0, 50)]) {
    writeFileSync(file, text);
    expect(askedAgain(3)).toBe(3);
  }
});

test('it holds as many answers as it may, what was asked last first', () => {
  const bounds = { answers: 3, chars: 1_000_000 };
  filled(3, bounds);
  expect(askedAgain(3, bounds)).toBe(0);
  filled(4, bounds);
  expect(askedAgain(4, bounds)).toBe(1);
  const shelf = new CedarShelf(file, bounds);
  counted(shelf).cedar.policyToJson(policy(9));
  shelf.save();
  const { cedar, asked } = counted(new CedarShelf(file, bounds));
  cedar.policyToJson(policy(9));
  expect(asked()).toBe(0);
});

test('it has as many characters as it may', () => {
  filled(3);
  const chars = readFileSync(file, 'utf8').length;
  rmSync(file);
  filled(3, { answers: 100, chars });
  expect(askedAgain(3)).toBe(0);
  rmSync(file);
  filled(3, { answers: 100, chars: chars - 1 });
  expect(askedAgain(3)).toBe(1);
});

test('a file larger than one may be is not read', () => {
  filled(3);
  const { size } = statSync(file);
  expect(new CedarShelf(file, { answers: 100, chars: Math.ceil(size / 3) }).isEmpty).toBe(false);
  expect(new CedarShelf(file, { answers: 100, chars: Math.ceil(size / 3) - 1 }).isEmpty).toBe(true);
});

test('nothing new is written, and nothing where nothing can be', () => {
  filled(2);
  const { mtimeMs } = statSync(file, { bigint: false });
  const shelf = new CedarShelf(file);
  counted(shelf).cedar.policyToJson(policy(0));
  shelf.save();
  expect(statSync(file).mtimeMs).toBe(mtimeMs);
  // A folder stands where the file should.
  const blocked = join(folder, 'blocked');
  mkdirSync(join(blocked, 'in', 'it'), { recursive: true });
  const unable = new CedarShelf(join(blocked, 'in'));
  expect(counted(unable).cedar.policyToJson(policy(0)).type).toBe('success');
  unable.save();
  expect(new CedarShelf(join(blocked, 'in')).isEmpty).toBe(true);
});

test('it lies beside compiled code, by the version of Cedar, where any is kept', () => {
  expect(shelfFile({ NODE_COMPILE_CACHE: folder })).toMatch(/[\\/]cedar-\d+\.\d+\.\d+\.json$/);
  expect(shelfFile({ NODE_COMPILE_CACHE: folder, NODE_DISABLE_COMPILE_CACHE: '1' })).toBeNull();
  expect(shelfFile({})).toBeNull();
  const none = counted(new CedarShelf(null));
  none.cedar.policyToJson(policy(0));
  none.cedar.policyToJson(policy(0));
  expect(none.asked()).toBe(2);
});
