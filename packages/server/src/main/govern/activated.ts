/** The contracts that activations name, each once. Pure. */
import type { ContractRecord } from '@perdure/protocol';
import { type Activation, holding } from './activation.ts';

/** Newest first: by the first activation that names one. @param all in the order in which they were made */
export function contractsOf(all: readonly Activation[], now: number): readonly ContractRecord[] {
  const holds = holding(all, now);
  const found = new Map<string, ContractRecord>();
  const named = Map.groupBy(
    all.flatMap(({ id, contracts }) => contracts.map(({ digest }) => ({ id, digest }))),
    ({ digest }) => digest,
  );
  for (const activation of all) {
    const inForce = activation.id === holds;
    for (const { id, version, digest, files } of activation.contracts) {
      const before = found.get(digest);
      found.set(digest, {
        id,
        object: 'perdure.contract',
        version,
        digest,
        files,
        in_force: inForce || before?.in_force === true,
        activations: before?.activations ?? (named.get(digest) ?? []).map(one => one.id),
      });
    }
  }
  return [...found.values()].toReversed();
}
