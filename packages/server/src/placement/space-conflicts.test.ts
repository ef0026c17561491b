import { describe, expect, test } from 'vitest';
import { addUse, noUse } from './clause-use.ts';
import { type Files, home, load, shippedFiles, snapshotOf, target } from './fixture.test-support.ts';
import { conflictsOf } from './space-conflicts.ts';
import { contractOf, spaceOf } from './space.test-support.ts';

function useOf(files: Files, reading: string | null = null) {
  const use = noUse();
  addUse(use, load(files), reading, spaceOf([files]));
  return { applied: [...use.applied].toSorted(), decided: [...use.decided].toSorted() };
}

const only = (cloud: string, when: string): string =>
  `forbid (principal, action == Action::"infer", resource) when { ${when} } unless { resource in Cloud::"${cloud}" };`;

describe('what clauses do', () => {
  test('a clause that nothing meets never applies; one that another covers decides nothing', () => {
    const files = contractOf(
      'a',
      {
        dead: only('aws', 'context.call.vendor == Vendor::"anthropic"'),
        narrow: only('aws', 'context.call.stateHeld && context.call.segment == "us-gov"'),
        wide: only('aws', 'context.call.stateHeld'),
      },
      { yaml: 'scope: {vendors: [openai]}\n' },
    );
    const { applied, decided } = useOf(files);
    expect(applied).toEqual(['a.base', 'narrow', 'wide']);
    expect(decided).toEqual(['a.base', 'wide']);
  });

  test('a clause that speaks of a time when its contract is not in force never applies', () => {
    const files = contractOf(
      'a',
      {
        late: 'forbid (principal, action == Action::"infer", resource) when { context.call.at > datetime("2027-01-01") };',
      },
      { yaml: 'effective: {to: 2026-06-01}\n' },
    );
    expect(useOf(files).applied).toEqual(['a.base']);
  });

  test('a forbid of what nothing permits decides nothing, nor does one of two permits', () => {
    const files = contractOf(
      'a',
      {
        some: 'permit (principal, action == Action::"infer", resource);',
        same: 'permit (principal, action == Action::"infer", resource) when { context.call.stateHeld };',
        moot: 'forbid (principal, action == Action::"egress", resource);',
      },
      { base: false },
    );
    expect(useOf(files)).toEqual({ applied: ['moot', 'same', 'some'], decided: ['some'] });
  });

  test('an ambiguous clause counts where it is recorded, and one that fails where it fails', () => {
    const files = contractOf('a', {
      open: '@ambiguous("?") forbid (principal, action == Action::"infer", resource);',
      sum: 'forbid (principal, action == Action::"egress", resource) when { 9007199254740991 * 9007199254740991 > 1 };',
    });
    expect(useOf(files).decided).toEqual(['a.base', 'open', 'sum']);
  });

  test('every clause of the February contract decides, under the reading that has it', () => {
    const { decided } = useOf(shippedFiles('openai-2026-02'), 'as-written');
    expect(decided).toEqual([
      'amzn.distribution',
      'amzn.inference',
      'amzn.state',
      'as-written.api',
      'base',
      'distribute.base',
      'joint.first-party',
      'joint.sellers',
      'joint.stateless',
    ]);
  });
});

describe('contracts together', () => {
  const azure = contractOf('a', { 'a.azure': only('azure', 'context.call.stateHeld') });
  const aws = contractOf('b', { 'b.aws': only('aws', 'context.call.segment == "us-gov"') });

  test('clauses that each leave a place, and together none, with the requests that they strand', () => {
    const { deadlocks } = conflictsOf(snapshotOf([load(azure), load(aws)]), spaceOf([azure, aws]));
    expect(deadlocks).toHaveLength(1);
    expect(deadlocks[0]?.between).toMatchObject([{ clause: 'a.azure' }, { clause: 'b.aws' }]);
    expect(deadlocks[0]?.permits.map(({ clause }) => clause)).toEqual(['a.base', 'b.base']);
    expect(deadlocks[0]?.when).toEqual([['infer', 'segment us-gov', 'state held']]);
  });

  test('a permit for one cloud, and a forbid of it', () => {
    const permit = contractOf('a', { only: 'permit (principal, action, resource) when { true };' }, { base: false });
    const needs = {
      ...permit,
      'clauses.cedar':
        '@id("only") @cite("x") permit (principal, action == Action::"infer", resource in Cloud::"azure");\n' +
        '@id("sell") @cite("x") permit (principal, action == Action::"distribute", resource);\n',
      'contract.yaml': `${permit['contract.yaml'] ?? ''}  sell: {source: s, confidence: A, summary: x}\n`,
    };
    const not = contractOf('b', {
      'b.not': 'forbid (principal, action == Action::"infer", resource in Cloud::"azure");',
    });
    const { deadlocks } = conflictsOf(snapshotOf([load(needs), load(not)]), spaceOf([needs, not]));
    expect(deadlocks.map(({ between }) => between.map(({ kind }) => kind).toSorted())).toEqual([
      ['clause', 'no-permit'],
    ]);
  });

  test('one clause that forbids something everywhere is a rule, no conflict', () => {
    const off = contractOf('a', { off: 'forbid (principal, action == Action::"egress", resource);' });
    expect(conflictsOf(snapshotOf([load(off)]), spaceOf([off])).deadlocks).toEqual([]);
  });

  test('a configured place that no request may use, and why', () => {
    const never = contractOf('a', {
      'no.gcp': 'forbid (principal, action == Action::"infer", resource in Cloud::"gcp");',
    });
    const places = [target('a', 'aws'), target('g', 'gcp'), home('h', 'gcp')];
    const { unreachable } = conflictsOf(snapshotOf([load(never)]), spaceOf([never], { places }));
    expect(unreachable).toMatchObject([{ place: { id: 'g' }, by: [{ clause: 'no.gcp' }] }]);
  });
});
