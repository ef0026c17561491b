import type { ClientTool, OfferedTool } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
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

test('names are names, differ, and come back as they were, whatever the tools are called', () => {
  const name = fc.stringMatching(/^(a|b|__|_|[a-z]{0,40}){1,6}$/).filter(text => /^[a-zA-Z0-9_-]{1,64}$/.test(text));
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 6 });
  const spaces = fc.uniqueArray(fc.tuple(name, names), { maxLength: 5, selector: ([own]) => own });
  fc.assert(
    fc.property(names, spaces, (alone, given) => {
      const tools = [...alone.map(fn), ...given.map(([own, within]) => space(own, ...within.map(fn)))];
      const named = namedTools(tools);
      expect(new Set(named.map(one => one.flat)).size).toBe(named.length);
      const read = toolNameReader(tools);
      for (const { flat, tool, namespace } of named) {
        expect(flat).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
        expect(read(flat, null)).toEqual({ name: tool.name, ...(namespace !== undefined && { namespace }) });
      }
    }),
  );
});
