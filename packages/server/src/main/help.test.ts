/** The help of every command, as wide as a terminal is at least. */
import { expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';

const WIDTH = 80;
/** Where what is said of an option goes on. */
const HANGING = 10;

/** `help` is commander's; the emulator is a program of its own, with a help of its own. */
const APART: ReadonlySet<string> = new Set(['help', 'emulator']);

interface Help {
  readonly words: readonly string[];
  readonly text: string;
}

/** Of a command and of all below it. */
async function helps(words: readonly string[] = []): Promise<readonly Help[]> {
  const { code, out } = await perdure([...words, '--help']);
  expect(code).toBe(0);
  const [, listed = ''] = /\nCommands:\n((?: .*\n)*)/.exec(out) ?? [];
  const below = [...listed.matchAll(/^ {2}([a-z][\w-]*)/gm)].flatMap(([, name = '']) =>
    APART.has(name) ? [] : [name],
  );
  const found = await Promise.all(below.map(name => helps([...words, name])));
  return [{ words, text: out }, ...found.flat()];
}

const indent = (line: string): number => line.length - line.trimStart().length;

/** Lines that end though the first word of the next one, which goes on with them, would have had room. */
function ragged(text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.filter((line, i) => {
    const next = lines[i + 1] ?? '';
    const goesOn =
      next !== '' && line !== '' && (indent(next) >= HANGING || (indent(next) === 0 && indent(line) === 0));
    const [word = ''] = next.trimStart().split(' ');
    return goesOn && line.length + 1 + word.length <= WIDTH;
  });
}

test('a ragged line is seen', () => {
  expect(ragged(`${'x'.repeat(40)}\nshort and on\n\nnext\n`)).toEqual(['x'.repeat(40)]);
  expect(ragged(`  --option  ${'x'.repeat(40)}\n            more\n  --other  y\n`)).toHaveLength(1);
  expect(ragged(`${'x'.repeat(75)}\nshort and on\n\nExamples\n  $ x\n`)).toEqual([]);
});

test('help is wrapped once', async () => {
  const all = await helps();
  expect(all.length).toBeGreaterThan(80);
  const found = all.flatMap(({ words, text }) => ragged(text).map(line => `${words.join(' ')}: ${line}`));
  expect(found).toEqual([]);
});
