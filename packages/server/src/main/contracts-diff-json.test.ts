/** A witness has all that a case needs: one is made of each, of what shipped sets change, and holds on both sides. */
import { expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';
import { parseCases } from './contract-cases.ts';
import { runCases } from './contract-cases-run.ts';
import { sideOf } from './contract-space.ts';

interface Said {
  readonly outcome: string;
  readonly by: readonly { readonly kind: string; readonly clause?: string }[];
  readonly flagged: readonly { readonly clause: string }[];
  readonly permits: readonly { readonly clause: string }[];
}

interface WitnessJson {
  readonly action: string;
  readonly facts: Readonly<Record<string, unknown>> & {
    readonly product: { readonly id: string; readonly vendor: string; readonly kind: string };
    readonly channel: { readonly id: string; readonly seller: string; readonly kind: string };
  };
  readonly places: readonly {
    readonly place: string | null;
    readonly where: object | null;
    readonly a: Said;
    readonly b: Said;
  }[];
}

const namesOf = (list: Said['by']): readonly string[] => list.map(({ kind, clause }) => clause ?? kind);

function expectedOf({ outcome, by, flagged, permits }: Said): object {
  return {
    outcome,
    by: namesOf(by),
    flagged: flagged.map(({ clause }) => clause),
    permits: permits.map(({ clause }) => clause),
  };
}

/** As somebody would write it down: JSON is YAML. */
function casesOf({ action, facts, places }: WitnessJson, side: 'a' | 'b'): string {
  const { product, channel, session_labels: labels, tool, destination, ...others } = facts;
  const rest = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== null));
  const [first] = places;
  const sale = action === 'distribute';
  return JSON.stringify({
    places: Object.fromEntries(places.flatMap(({ place, where }) => (place === null ? [] : [[place, where]]))),
    products: { [product.id]: { vendor: product.vendor, kind: product.kind } },
    channels: { [channel.id]: { seller: channel.seller, kind: channel.kind } },
    cases: [
      {
        name: 'the witness',
        ...rest,
        ...(!sale && { action }),
        product: product.id,
        channel: channel.id,
        labels,
        facts: { ...(tool !== null && { tool }), ...(destination !== null && { destination }) },
        expect: sale
          ? { sale: first === undefined ? {} : expectedOf(first[side]) }
          : { places: Object.fromEntries(places.map(one => [one.place, expectedOf(one[side])])) },
      },
    ],
  });
}

test.each([
  ['none', 'openai-2025-10', []],
  ['none', 'openai-2026-02', ['--at', '2026-03-20']],
  ['openai-2026-02', 'openai-2026-04', []],
  ['none', 'openai-2026-04', ['--on-ambiguity', 'refuse']],
  ['openai-2026-04', 'openai-2026-04,example-acme', []],
  ['example-acme', 'data-handling', []],
  ['openai-2026-02', 'openai-2026-02', ['--reading-b', 'substance']],
] as const)('cases of what changes from %s to %s %j', async (a, b, options) => {
  const { out } = await perdure(['contracts', 'diff', a, b, ...options, '--json'], { cwd: '/' });
  const { changes } = JSON.parse(out) as { changes: readonly { readonly witness: WitnessJson }[] };
  const onAmbiguity = options.join(' ').includes('refuse') ? 'refuse' : 'flag';
  for (const { witness } of changes) {
    for (const [names, side] of [
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      const parsed = parseCases(casesOf(witness, side), 'cases.yaml');
      if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
      const reading = side === 'b' && options.join(' ').includes('substance') ? 'substance' : null;
      const contracts = sideOf(names.split(','), '/', { reading, onAmbiguity });
      const checks = runCases(parsed.file, '', () => contracts);
      expect(checks.length).toBeGreaterThan(0);
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    }
  }
  expect(changes.length).toBeGreaterThan(0);
});
