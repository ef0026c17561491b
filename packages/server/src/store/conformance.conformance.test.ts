import { describe, test } from 'vitest';
import { CONFORMANCE } from './conformance.ts';
import { runCase } from './conformance-case.ts';
import { MEMORY, SQLITE } from './fixtures.ts';

for (const factory of [MEMORY, SQLITE]) {
  describe(factory.name, () => {
    for (const one of CONFORMANCE) test(one.name, () => runCase(one, factory, 30_000));
  });
}
