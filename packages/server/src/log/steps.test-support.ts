/** Random streams of steps that obey P1 to P3: what any provider may say. */
import * as fc from 'fast-check';
import { text } from './event.test-support.ts';
import type { JsonObject } from './events.ts';
import type { PartKind, StartedItem, Step } from './steps.ts';

const deltas = fc.array(text, { maxLength: 4, size: '+1' });
/** An annotation as the wire has it. */
const annotation = fc
  .record({ start_index: fc.nat(20), end_index: fc.nat(20), url: fc.constant('https://example.com/a'), title: text })
  .map(one => ({ type: 'url_citation', ...one }));

interface Part {
  readonly kind: PartKind;
  readonly deltas: readonly string[];
  /** Whether each of its deltas, if it is an output text, comes with log probabilities: as many as it has characters, up to three. */
  readonly weighed: boolean;
  readonly annotations: readonly JsonObject[];
}
const partOf = (...kinds: PartKind[]): fc.Arbitrary<Part> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    deltas,
    weighed: fc.boolean(),
    annotations: fc.array(annotation, { maxLength: 2 }),
  });

/** Log probabilities of a delta, told apart by their tokens. */
function weights(kind: PartKind, text: string): { logprobs?: readonly JsonObject[] } {
  if (kind !== 'output_text' || text === '') return {};
  const one = (token: string): JsonObject => ({ token, logprob: -0.5, bytes: [1, 2] });
  return {
    logprobs: Array.from(text)
      .slice(0, 3)
      .map(char => ({ ...one(char), top_logprobs: [one(char), one('?')] })),
  };
}

type Made = (index: number) => Step[];

function partSteps(parts: readonly Part[], index: number): Step[] {
  return parts.flatMap(({ kind, deltas, annotations, weighed }, part): Step[] => [
    { type: 'part', index, part, kind },
    ...deltas.map((one): Step => ({ type: 'delta', index, part, text: one, ...(weighed && weights(kind, one)) })),
    // Only texts carry annotations.
    { type: 'part_done', index, part, ...(kind === 'output_text' && annotations.length > 0 && { annotations }) },
  ]);
}

function made(
  item: StartedItem,
  inner: (index: number) => Step[],
  end: { incomplete: boolean; secret: string | null },
): Made {
  return index => [
    { type: 'item', index, item },
    ...inner(index),
    {
      type: 'item_done',
      index,
      ...(end.secret !== null && item.type === 'reasoning' && { encryptedContent: end.secret }),
      ...(end.incomplete && { incomplete: true as const }),
    },
  ];
}

const end = fc.record({ incomplete: fc.boolean(), secret: fc.option(text) });
const message = fc
  .tuple(fc.array(partOf('output_text', 'refusal'), { maxLength: 3 }), end)
  .map(([parts, how]) => made({ type: 'message' }, index => partSteps(parts, index), how));
const reasoning = fc
  .tuple(fc.array(partOf('summary_text', 'reasoning_text'), { maxLength: 4 }), end)
  .map(([parts, how]) => made({ type: 'reasoning' }, index => partSteps(parts, index), how));
const call = fc
  .tuple(
    fc.constantFrom('function_call' as const, 'custom_tool_call' as const),
    fc.constantFrom('call_1', 'call_"2"'),
    fc.constantFrom('look_up', 'send'),
    deltas,
    end,
  )
  .map(([type, callId, name, pieces, how]) =>
    made(
      { type, callId, name },
      index => pieces.map((one): Step => ({ type: 'delta', index, part: 0, text: one })),
      how,
    ),
  );

/** The steps of one call, without its `end`. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(fc.oneof(message, reasoning, call), { maxLength: 4, size: 'max' })
  .map(items => items.flatMap((item, index) => item(index)));
