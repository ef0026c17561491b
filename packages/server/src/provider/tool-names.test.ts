import type { ClientTool, OfferedTool } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import { namedTools, toolNameReader } from './tool-names.ts';

const fn = (name: string): ClientTool => ({
  type: 'function',
  name,
  description: null,
  parameters: null,
  strict: null,
});
const space = (name: string, ...tools: ClientTool[]): OfferedTool => ({
  type: 'namespace',
  name,
  description: '',
  tools,
});
const flats = (...tools: OfferedTool[]): string[] => namedTools(tools).map(one => one.flat);

describe('one name for two', () => {
  test('is both, joined once', () => {
    expect(flats(fn('a'), space('mcp__w', fn('a'), fn('b')), space('mcp__w__', fn('c')))).toEqual([
      'a',
      'mcp__w__a',
      'mcp__w__b',
      'mcp__w__c',
    ]);
  });

  test('has at most 64 characters, and is told from others that begin alike', () => {
    const [long, longer, other] = flats(space('n'.repeat(60), fn('ab'), fn('abc'), fn('abd')));
    expect(long).toBe(`${'n'.repeat(60)}__ab`);
    expect(longer).toMatch(/^n{55}_[0-9a-f]{8}$/);
    expect(other).toMatch(/^n{55}_[0-9a-f]{8}$/);
    expect(other).not.toBe(longer);
  });

  test('is no name that another tool has', () => {
    const [own, first, second] = flats(fn('a__b__c'), space('a', fn('b__c')), space('a__b', fn('c')));
    expect(own).toBe('a__b__c');
    expect(first).toMatch(/^a__b__c_[0-9a-f]{8}$/);
    expect(second).toMatch(/^a__b__c_[0-9a-f]{8}$/);
    expect(second).not.toBe(first);
  });
});

describe('the way back', () => {
  const read = toolNameReader([fn('alone'), space('crm', fn('find'), fn('both')), space('erp', fn('both'))]);

  test.each([
    ['crm__find', { name: 'find', namespace: 'crm' }],
    ['crm.find', { name: 'find', namespace: 'crm' }],
    ['find', { name: 'find', namespace: 'crm' }],
    ['alone', { name: 'alone' }],
    // It could be either of two, or none.
    ['both', { name: 'both' }],
    ['else', { name: 'else' }],
  ])('%s', (name, expected) => {
    expect(read(name, null)).toEqual(expected);
  });

  test('a namespace that the upstream told stands', () => {
    expect(read('both', 'erp')).toEqual({ name: 'both', namespace: 'erp' });
    expect(toolNameReader(undefined)('a', 'b')).toEqual({ name: 'a', namespace: 'b' });
    expect(toolNameReader([fn('a__b')])('a__b', null)).toEqual({ name: 'a__b' });
  });
});
