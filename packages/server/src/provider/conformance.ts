/**
 * What every implementation of the `Provider` port must do, put to it against an upstream that misbehaves on demand. A new dialect is
 * held to the same by one call of this.
 */
import { describe } from 'vitest';
import { answersWell } from './conformance/answers.ts';
import { endsInTime } from './conformance/endings.ts';
import { failsWell } from './conformance/failures.ts';
import { harnessFor, type Harness } from './conformance/harness.ts';

export interface ProviderUnderTest {
  readonly name: string;
  readonly make: Harness['make'];
}

export function providerConformance({ name, make }: ProviderUnderTest): void {
  describe(`${name}, against the emulator`, () => {
    const harness = harnessFor(make);
    answersWell(harness);
    failsWell(harness);
    endsInTime(harness);
  });
}
