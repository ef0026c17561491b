import { expect, test } from 'vitest';
import { readCompletion } from './completion.ts';
import type { Identity } from './reply.ts';

const identity: Identity = { id: (prefix, index = 0) => `${prefix}${index}`, createdAt: 1_767_225_600 };
const parameters = (...names: readonly string[]): object => ({
  type: 'object',
  properties: Object.fromEntries(names.map(name => [name, { type: 'string' }])),
});
const tool = (name: string, ...names: readonly string[]): object => ({
  type: 'function',
  name,
  parameters: parameters(...names),
});
const TOOLS = [tool('run', 'code'), tool('look', 'at')];

function called(input: string): unknown {
  const reply = readCompletion('responses', 'aws', { model: 'm', input, tools: TOOLS }).reply(identity);
  const { output } = JSON.parse(reply.body()) as { output: { type: string; name: string; arguments: string }[] };
  return output.flatMap(({ type, name, arguments: args }) => (type === 'function_call' ? [[name, args]] : []));
}

test('a tool that takes code is called with the fenced block after its name; names in it call nothing', () => {
  const code = 'const a = await tools.look({ at: "x" });\nreturn [[a]];';
  const input = `Please run this:\n\`\`\`js\n${code}\n\`\`\`\nThen look at=home.`;
  expect(called(input)).toEqual([
    ['run', JSON.stringify({ code })],
    ['look', '{"at":"home"}'],
  ]);
});

test('a tool that takes none is called as ever', () => {
  expect(called('look\n```js\nrun\n```')).toEqual([
    ['look', '{"at":"emulated at"}'],
    ['run', '{"code":"emulated code"}'],
  ]);
});
