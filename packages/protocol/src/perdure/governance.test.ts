import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { parseCreateActivation, parseCreateContractEvent, parseCreateWaiver } from './governance.ts';

const files = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.cedar`, '']));
const contracts = (count: number) => Array.from({ length: count }, () => ({ name: 'a', files: {} }));
const activation = (more: object) => parseCreateActivation({ contracts: [], ...more }).ok;

test('an activation has its bounds', () => {
  expect(activation({})).toBe(true);
  expect(activation({ contracts: [{ name: 'a', files: files(LIMITS.contractFiles) }] })).toBe(true);
  expect(activation({ contracts: [{ name: 'a', files: files(LIMITS.contractFiles + 1) }] })).toBe(false);
  expect(activation({ contracts: contracts(LIMITS.whatIfContracts) })).toBe(true);
  expect(activation({ contracts: contracts(LIMITS.whatIfContracts + 1) })).toBe(false);
  expect(activation({ reason: 'x'.repeat(LIMITS.reasonChars) })).toBe(true);
  expect(activation({ reason: 'x'.repeat(LIMITS.reasonChars + 1) })).toBe(false);
  expect(activation({ contracts: [{ name: 'a', files: { 'a.cedar': 1 } }] })).toBe(false);
  expect(parseCreateActivation({}).ok).toBe(false);
});

test('a waiver says of which clause, until when and why; an event when and who says so', () => {
  const waiver = { contract: 'c', clause: 'd', until: '2026-04-01', reason: 'r' };
  expect(parseCreateWaiver(waiver).ok).toBe(true);
  for (const field of Object.keys(waiver)) expect(parseCreateWaiver({ ...waiver, [field]: undefined }).ok).toBe(false);
  expect(parseCreateWaiver({ ...waiver, reason: '' }).ok).toBe(false);
  const event = { event: 'ipo-filed', date: '2026-03-12', source: 's' };
  expect(parseCreateContractEvent(event).ok).toBe(true);
  for (const field of Object.keys(event))
    expect(parseCreateContractEvent({ ...event, [field]: undefined }).ok).toBe(false);
});
