import { expect, it } from 'vitest';
import { unknownFilters } from './placements-unknown.ts';

const TARGETS = [{ id: 'azure-east', cloud: 'azure' }];

it.each([
  [{}, []],
  [{ clause: 'joint.stateless', target: 'azure-east', cloud: 'azure' }, []],
  [{ clause: 'openai-2026-02/joint.stateless' }, []],
  [
    { clause: 'joint.statelss' },
    [
      "No clause of the configured and the shipped contracts is called 'joint.statelss' (did you mean joint.stateless?).",
    ],
  ],
  [
    { clause: 'nothing.like.it' },
    ["No clause of the configured and the shipped contracts is called 'nothing.like.it'."],
  ],
  [
    { target: 'azur-east', cloud: 'aws' },
    ["No target is called 'azur-east' (did you mean azure-east?).", "No cloud of a target is called 'aws'."],
  ],
])('%o', (filters, said) => {
  expect(unknownFilters(filters, [], TARGETS)).toEqual(said);
});
