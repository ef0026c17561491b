/**
 * What every implementation of the `Provider` port must do, put to it against an upstream that misbehaves on demand. A new dialect is
 * held to the same by one call of this.
 */
import { describe } from 'vitest';
import { answersWell } from './conformance/answers.ts';
import { endsInTime } from './conformance/endings.ts';
import { failsWell } from './conformance/failures.ts';
import { harnessFor, type Harness, type Mode } from './conformance/harness.ts';
import { saysTheSame } from './conformance/modes.ts';

export interface ProviderUnderTest {
  readonly name: string;
  readonly make: Harness['make'];
}

export function providerConformance({ name, make }: ProviderUnderTest): void {
  describe.each<Mode>(['streamed', 'whole'])(`${name}, %s, against the emulator`, mode => {
    const harness = harnessFor(make, mode);
    answersWell(harness);
    failsWell(harness);
    endsInTime(harness);
  });
  describe(`${name}, whole and streamed`, () => saysTheSame(harnessFor(make, 'whole'), harnessFor(make, 'streamed')));
}
