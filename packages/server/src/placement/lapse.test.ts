import { describe, expect, test } from 'vitest';
import { load, shippedFiles } from './fixture.test-support.ts';
import { LAPSE_NOTICE_MS, lapseTexts, lapseWarnings } from './lapse.ts';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);
const eras = ['openai-2025-10', 'openai-2026-02', 'openai-2026-04'].map(id => load(shippedFiles(id)));
const [october, february, april] = eras as [(typeof eras)[0], (typeof eras)[0], (typeof eras)[0]];
const none = load(shippedFiles('none'));

describe('contracts that lapse', () => {
  test('are told of once none is in force, with their dates', () => {
    const END = day('2026-04-27');
    const refused =
      'no contract on models of openai is in force, so every call is refused (no_contract_in_force): openai-2026-02 ended on 2026-04-27';
    expect(lapseWarnings([february], END)).toEqual([refused]);
    // One without a scope is over everything: nothing is refused.
    expect(lapseWarnings([february, none], END)).toEqual([]);
    expect(lapseWarnings([february], END - 1)).toEqual([
      'the contracts on models of openai end on 2026-04-27 (openai-2026-02): from then on every call is refused (no_contract_in_force)',
    ]);
    expect(lapseWarnings([october, february], END + 1)[0]).toContain(
      'openai-2025-10 ended on 2026-02-27, openai-2026-02 ended',
    );
    expect(lapseWarnings([april], END - 1)[0]).toContain('openai-2026-04 begins on 2026-04-27');
  });

  test('are told of thirty days before the last one ends, and no day sooner', () => {
    const notice = day('2026-04-27') - LAPSE_NOTICE_MS;
    expect(LAPSE_NOTICE_MS).toBe(30 * 86_400_000);
    expect(lapseWarnings([february], notice - 1)).toEqual([]);
    expect(lapseWarnings([february], notice)).toHaveLength(1);
    // One that follows without a gap goes on.
    expect(lapseWarnings([october, february], day('2026-02-26'))).toEqual([]);
    expect(lapseWarnings([october, april], day('2026-02-26'))).toHaveLength(1);
    for (const at of [notice, day('2026-04-27'), day('2030-01-01')]) expect(lapseWarnings(eras, at)).toEqual([]);
  });

  test('are none where nothing has a scope, or what has one are house rules', () => {
    const always = day('2030-01-01');
    expect(lapseWarnings([], always)).toEqual([]);
    expect(lapseWarnings([none, load(shippedFiles('data-handling'))], always)).toEqual([]);
    expect(lapseWarnings([{ ...february, kind: 'house-rules' }], always)).toEqual([]);
  });

  test('are told by product too', () => {
    const over = { ...february, scope: { vendors: [], products: ['frontier'] } };
    expect(lapseWarnings([over], day('2030-01-01'))[0]).toContain('no contract on the product frontier is in force');
  });
});

test('versions of one contract are told together', () => {
  const version = (from: string, to: string) => ({ id: 'a', effective: { from: day(from), to: day(to) } });
  const all = [version('2026-01-01', '2026-02-01'), version('2026-03-01', '2026-04-01')];
  expect(lapseTexts(['a', 'b'], all, day('2026-02-15'))).toEqual([
    'a ended on 2026-02-01 and begins on 2026-03-01',
    'b',
  ]);
});
