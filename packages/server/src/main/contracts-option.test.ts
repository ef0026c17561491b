import { expect, it } from 'vitest';
import { CliError } from './cli/exit.ts';
import { contractFolder } from './contracts.ts';
import { contractsOption } from './contracts-option.ts';

const folders = (...names: readonly string[]): readonly string[] => names.map(name => contractFolder(name, '/'));

it.each([
  [undefined, null],
  [['none'], folders('none')],
  [['none,data-handling'], folders('none', 'data-handling')],
  [['none, data-handling', 'example-acme'], folders('none', 'data-handling', 'example-acme')],
])('sets with commas, or repeated: %j', (given, named) => {
  expect(contractsOption('perdure explain', given, '/')).toEqual(named);
});

it.each([[['']], [[',']], [['none,']], [['none', '']]])('what names nothing is not no contract at all: %j', given => {
  expect(() => contractsOption('perdure whatif', given, '/')).toThrow(
    new CliError(2, `perdure whatif: --contracts names no set in "${given.join(' ')}"`),
  );
});
