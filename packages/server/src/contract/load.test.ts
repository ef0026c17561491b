import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkContract, loadContract } from './load.ts';
import { MAX_FILE_CHARS, MAX_POLICIES } from './load-with.ts';
import { type Finding, findingLine } from './finding.ts';
import { MAX_TEXT } from './manifest-words.ts';
import type { ContractFiles } from './rule.ts';
import { CONTRACT_SCHEMA } from './schema.ts';

const BASE_YAML = `id: test
version: "1"
title: A test
parties: [openai]
effective: {from: 2026-01-01, to: 2026-02-01}
scope: {vendors: [openai]}
default_reading: plain
readings:
  - {id: plain, title: Plain}
  - {id: late, title: Afterwards, retrospective: true}
sources:
  s: {title: Nobody}
clauses:
  base: {source: s, confidence: A, summary: all}
  no-aws: {source: s, confidence: B, summary: none on AWS}
  plain.def: {source: s, confidence: C, summary: plain}
  late.def: {source: s, confidence: C, summary: late}
`;
const BASE_CEDAR = `@id("base") permit (principal, action, resource);

@id("no-aws") @cite("page 1")
forbid (principal, action == Action::"infer", resource in Cloud::"aws")
when { context.call.vendor == Vendor::"openai" };
`;
const definition = (id: string) =>
  `@id("${id}") permit (principal, action == Action::"stateless", resource) when { !context.call.stateHeld };\n`;
const GOOD: ContractFiles = {
  'contract.yaml': BASE_YAML,
  'clauses.cedar': BASE_CEDAR,
  'readings/plain.cedar': definition('plain.def'),
  'readings/late.cedar': definition('late.def'),
};

/** The good folder with one text replaced in one file. */
function changed(file: string, from: string, to: string): ContractFiles {
  const text = GOOD[file] ?? '';
  if (!text.includes(from)) throw new Error(`${from} is not in ${file}`);
  return { ...GOOD, [file]: text.replace(from, to) };
}

function brief({ level, code, file, line }: Finding): string {
  return `${level} ${code} ${file}:${line ?? '-'}`;
}

test('a good folder has no findings', () => {
  const { contract, findings } = loadContract(GOOD);
  expect(findings).toEqual([]);
  expect(contract?.clauses.map(({ clause, reading, line }) => [clause, reading, line])).toEqual([
    ['base', null, 1],
    ['no-aws', null, 3],
    ['plain.def', 'plain', 1],
    ['late.def', 'late', 1],
  ]);
  expect(contract?.effective).toEqual({ from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 1, 1) });
});

test('the published schema is the one that clauses are validated against', () => {
  const published = readFileSync(new URL('../../../../contracts/schema.cedarschema', import.meta.url), 'utf8');
  expect(published).toBe(CONTRACT_SCHEMA);
});

const CASES: readonly (readonly [what: string, files: ContractFiles, finding: string, hint?: string])[] = [
  ['no manifest', { 'clauses.cedar': BASE_CEDAR }, 'error manifest_missing contract.yaml:-'],
  ['broken YAML', changed('contract.yaml', 'title: A test', 'title: "A test'), 'error yaml_invalid contract.yaml:18'],
  [
    'a key twice',
    changed('contract.yaml', 'title: A test', 'title: A test\nid: again'),
    'error yaml_invalid contract.yaml:4',
  ],
  [
    'an unknown key',
    changed('contract.yaml', 'title: A test', 'titel: A test'),
    'error manifest_invalid contract.yaml:3',
  ],
  [
    'a wrong type',
    changed('contract.yaml', 'confidence: B', 'confidence: D'),
    'error manifest_invalid contract.yaml:15',
  ],
  [
    'a day that does not exist',
    changed('contract.yaml', 'to: 2026-02-01', 'to: 2026-02-30'),
    'error manifest_invalid contract.yaml:5',
  ],
  [
    'never in force',
    changed('contract.yaml', 'to: 2026-02-01', 'to: 2026-01-01'),
    'error effective_empty contract.yaml:5',
  ],
  ['bad Cedar syntax', changed('clauses.cedar', '};', '}}'), 'error cedar_syntax clauses.cedar:5'],
  [
    'an unknown function',
    changed('clauses.cedar', 'context.call.vendor ==', 'foo("x") =='),
    'error cedar_syntax clauses.cedar:5',
  ],
  [
    'an unknown attribute',
    changed('clauses.cedar', 'call.vendor', 'call.vendr'),
    'error cedar_invalid clauses.cedar:5',
    'did you mean `vendor`?',
  ],
  [
    'an unknown entity type',
    changed('clauses.cedar', 'Cloud::"aws"', 'Clowd::"aws"'),
    'error cedar_invalid clauses.cedar:4',
    'did you mean `Cloud`?',
  ],
  [
    'an unknown action',
    changed('clauses.cedar', '"infer"', '"infr"'),
    'error cedar_invalid clauses.cedar:4',
    'did you mean `Action::"infer"`?',
  ],
  [
    'a condition that never holds',
    changed('clauses.cedar', 'when { context', 'when { false && context'),
    'warning cedar_warning clauses.cedar:3',
  ],
  [
    'an integer too large to read',
    changed('clauses.cedar', 'when { ', 'when { 9007199254740993 > 1 && '),
    'error integer_too_large clauses.cedar:3',
  ],
  ['no id', changed('clauses.cedar', '@id("base") ', ''), 'error id_missing clauses.cedar:1'],
  ['an id twice', changed('clauses.cedar', '@id("no-aws")', '@id("base")'), 'error id_duplicate clauses.cedar:3'],
  ['a forbid without citation', changed('clauses.cedar', ' @cite("page 1")', ''), 'error cite_missing clauses.cedar:3'],
  [
    'a clause without source',
    changed('contract.yaml', '  no-aws: {source: s, confidence: B, summary: none on AWS}\n', ''),
    'error clause_undocumented clauses.cedar:3',
  ],
  [
    'a note on no clause',
    changed('clauses.cedar', '@id("no-aws")', '@id("no-awss")'),
    'error clause_unknown contract.yaml:15',
    'did you mean no-awss?',
  ],
  [
    'an unlisted source',
    changed('contract.yaml', 'no-aws: {source: s,', 'no-aws: {source: t,'),
    'error source_unknown contract.yaml:15',
    'did you mean s?',
  ],
  [
    'a reading file that is not declared',
    { ...GOOD, 'readings/plian.cedar': definition('plain.def') },
    'error reading_unknown readings/plian.cedar:1',
    'did you mean plain?',
  ],
  [
    'a reading without file',
    { ...GOOD, 'readings/late.cedar': '', 'readings/x.txt': '' },
    'error clause_unknown contract.yaml:17',
  ],
  [
    'a default reading that is none',
    changed('contract.yaml', 'default_reading: plain', 'default_reading: plan'),
    'error reading_unknown contract.yaml:7',
    'did you mean plain?',
  ],
  [
    'a retrospective reading as the live one',
    changed('contract.yaml', 'default_reading: plain', 'default_reading: late'),
    'error reading_retrospective contract.yaml:7',
  ],
  [
    'readings without a default',
    changed('contract.yaml', 'default_reading: plain\n', ''),
    'error reading_missing contract.yaml:1',
  ],
  [
    'a clause among definitions',
    {
      ...GOOD,
      'readings/late.cedar': definition('late.def')
        .replace('== Action::"stateless"', '== Action::"distribute"')
        .replace(/ when .*;/, ';'),
    },
    'error clause_in_reading readings/late.cedar:1',
  ],
  [
    'a definition among clauses',
    changed(
      'clauses.cedar',
      'action == Action::"infer", resource in Cloud::"aws")\nwhen { context.call.vendor == Vendor::"openai" }',
      'action == Action::"stateless", resource)',
    ),
    'error definition_outside_reading clauses.cedar:3',
  ],
  ['a policy in a strange folder', { ...GOOD, 'more/x.cedar': '' }, 'error file_unknown more/x.cedar:-'],
  [
    'a clause on one session',
    changed('clauses.cedar', 'forbid (principal,', 'forbid (principal == Session::"s1",'),
    'error session_named clauses.cedar:3',
  ],
  [
    'a cloud that nobody has',
    changed('clauses.cedar', 'Cloud::"aws"', 'Cloud::"awss"'),
    'warning word_unknown clauses.cedar:3',
    'did you mean aws?',
  ],
  [
    'a vendor that nobody is',
    changed('clauses.cedar', 'Vendor::"openai"', 'Vendor::"opneai"'),
    'warning word_unknown clauses.cedar:3',
    'did you mean openai?',
  ],
  [
    'a segment that does not exist',
    changed('clauses.cedar', 'context.call.vendor == Vendor::"openai"', 'context.call.segment == "us-natsek"'),
    'warning word_unknown clauses.cedar:3',
    'did you mean us-natsec?',
  ],
  [
    'a contract that permits nothing',
    changed(
      'clauses.cedar',
      'permit (principal, action, resource)',
      'permit (principal, action == Action::"infer", resource)',
    ),
    'warning permit_missing contract.yaml:-',
  ],
];

describe('findings', () => {
  test.each(CASES.map(one => ({ name: one[0], one })))('$name', ({ one: [, files, finding, hint] }) => {
    const findings = checkContract(files);
    const found = findings.find(one => brief(one) === finding);
    expect(found, findings.map(findingLine).join('\n') || 'no findings').toBeDefined();
    if (hint !== undefined) expect(found?.hint).toBe(hint);
    expect(loadContract(files).contract === null).toBe(findings.some(({ level }) => level === 'error'));
  });
});

describe('templates', () => {
  const template =
    '\n@id("off") @cite("excluded")\nforbid (principal in ?principal, action == Action::"infer", resource in ?resource);\n';
  const note = '  off: {source: s, confidence: A, summary: excluded}\n';
  const linked = (link: string): ContractFiles => ({
    ...GOOD,
    'clauses.cedar': BASE_CEDAR + template,
    'contract.yaml': `${BASE_YAML}${note}links:\n  - ${link}\n`,
  });

  test('a link is a clause of its own', () => {
    const { contract, findings } = loadContract(
      linked(`{id: acme.off, template: off, principal: 'Tenant::"acme"', resource: 'Cloud::"gcp"'}`),
    );
    expect(findings).toEqual([]);
    expect(contract?.clauses.find(({ clause }) => clause === 'acme.off')).toMatchObject({
      cite: 'excluded',
      confidence: 'A',
    });
  });

  test.each([
    [`{id: l, template: of, principal: 'Tenant::"a"', resource: 'Cloud::"b"'}`, 'did you mean off?'],
    [`{id: l, template: off, resource: 'Cloud::"b"'}`, `add principal: 'Type::"id"'`],
    [`{id: l, template: off, principal: acme, resource: 'Cloud::"b"'}`, `write it 'Cloud::"aws"'`],
  ] as const)('%s', (link, hint) => {
    expect(checkContract(linked(link)).map(one => [brief(one), one.hint])).toEqual([
      ['error link_invalid contract.yaml:20', hint],
    ]);
  });

  test('a link to an entity of the wrong type never applies: Cedar warns', () => {
    const found = checkContract(linked(`{id: l, template: off, principal: 'Cloud::"a"', resource: 'Cloud::"b"'}`));
    expect(found.map(brief)).toContain('warning cedar_warning contract.yaml:20');
  });
});

describe('bounds', () => {
  const padded = (chars: number): ContractFiles => ({ ...GOOD, 'clauses.cedar': BASE_CEDAR.padEnd(chars, '\n') });
  test('a file may be that large and no larger', () => {
    expect(checkContract(padded(MAX_FILE_CHARS))).toEqual([]);
    expect(checkContract(padded(MAX_FILE_CHARS + 1)).map(brief)).toEqual(['error file_too_large clauses.cedar:-']);
  });

  test('a contract may have that many policies and no more', () => {
    const withPolicies = (count: number): ContractFiles => {
      const ids = Array.from({ length: count - 4 }, (_, i) => `x${i}`);
      return {
        ...GOOD,
        'clauses.cedar': BASE_CEDAR + ids.map(id => `@id("${id}") permit (principal, action, resource);\n`).join(''),
        'contract.yaml': BASE_YAML + ids.map(id => `  ${id}: {source: s, confidence: A, summary: x}\n`).join(''),
      };
    };
    expect(checkContract(withPolicies(MAX_POLICIES))).toEqual([]);
    expect(checkContract(withPolicies(MAX_POLICIES + 1)).map(brief)).toEqual([
      'error too_many_policies contract.yaml:-',
    ]);
  });

  test('a text of the manifest may be that long and no longer', () => {
    const titled = (length: number) => changed('contract.yaml', 'title: A test', `title: ${'x'.repeat(length)}`);
    expect(checkContract(titled(MAX_TEXT))).toEqual([]);
    expect(checkContract(titled(MAX_TEXT + 1)).map(brief)).toEqual(['error manifest_invalid contract.yaml:3']);
  });

  test('hostile YAML is refused, not expanded', () => {
    const bomb = Array.from(
      { length: 12 },
      (_, i) => `a${i}: &a${i} [${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*a${i - 1}`)).join(', ')}]`,
    );
    expect(checkContract({ 'contract.yaml': bomb.join('\n') }).map(brief)).toEqual([
      'error yaml_invalid contract.yaml:-',
    ]);
  });
});
