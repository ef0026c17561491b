/** The layers hold, and the check would notice if they did not: each rule is broken once, in planted sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { breaches, impurities, LAYERS, LEAST_MODULES, type Sources } from './architecture.test-support.ts';
import { codeOf, importsOf } from './source-text.test-support.ts';

function readSources(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    entry => entry.isFile() && entry.name.endsWith('.ts'),
  );
  const paths = files.map(entry => join(entry.parentPath, entry.name));
  return new Map(paths.map(path => [relative(folder, path).split(sep).join('/'), readFileSync(path, 'utf8')]));
}

const here = fileURLToPath(new URL('.', import.meta.url));
const sources = readSources(here);

/** Enough modules that mean nothing, and the planted ones. */
function planted(files: { readonly [path: string]: string }): Sources {
  const filler = Array.from({ length: LEAST_MODULES }, (_, i) => [`kernel/filler-${i}.ts`, 'export {};\n'] as const);
  return new Map([...filler, ...Object.entries(files)]);
}

describe('this package', () => {
  test('keeps its layers', () => {
    expect(breaches(sources)).toEqual([]);
  });

  test('is looked at as a whole', () => {
    expect(sources.size).toBeGreaterThan(LEAST_MODULES);
    for (const folder of [
      'kernel',
      'log',
      'session',
      'placement',
      'contract',
      'engine',
      'provider',
      'store',
      'http',
      'main',
    ]) {
      expect(LAYERS).toHaveProperty(folder);
      expect(
        [...sources.keys()].some(path => path.startsWith(`${folder}/`)),
        folder,
      ).toBe(true);
    }
  });

  test('has no file above 400 lines', () => {
    const long = [...sources].filter(([, text]) => text.split('\n').length > 401).map(([path]) => path);
    expect(long).toEqual([]);
  });
});

describe('packages/protocol', () => {
  test('knows no machine: it runs in a browser', () => {
    const protocol = readSources(join(here, '../../protocol/src'));
    expect(protocol.size).toBeGreaterThan(10);
    const found = [...protocol]
      .filter(([path]) => !/\.test\.ts$|test-support/.test(path))
      .flatMap(([path, source]) => [
        ...importsOf(source).flatMap(({ specifier }) =>
          /^(node:|@perdure\/|perdure$)/.test(specifier) ? [`${path}: ${specifier}`] : [],
        ),
        ...impurities(path, source),
      ]);
    expect(found).toEqual([]);
  });
});

describe('a breach is noticed:', () => {
  const cases: readonly (readonly [what: string, files: { readonly [path: string]: string }, breach: RegExp])[] = [
    [
      'a lower layer imports a higher one',
      { 'log/a.ts': "import { b } from '../engine/b.ts';", 'engine/b.ts': '' },
      /log \(1\) imports engine\/b\.ts \(3\)/,
    ],
    [
      'even a type',
      { 'log/a.ts': "import type { B } from '../engine/b.ts';", 'engine/b.ts': '' },
      /log \(1\) imports engine/,
    ],
    [
      'even passed on',
      { 'log/a.ts': "export * from '../engine/b.ts';", 'engine/b.ts': '' },
      /log \(1\) imports engine/,
    ],
    [
      'even later',
      { 'log/a.ts': "const b = await import('../engine/b.ts');", 'engine/b.ts': '' },
      /log \(1\) imports engine/,
    ],
    ['even for its effects', { 'log/a.ts': "import '../engine/b.ts';", 'engine/b.ts': '' }, /log \(1\) imports engine/],
    [
      'even over several lines',
      { 'log/a.ts': "import {\n  type B,\n  c,\n} from '../engine/b.ts';", 'engine/b.ts': '' },
      /log \(1\) imports engine/,
    ],
    [
      'folders of level 2 import each other',
      { 'session/a.ts': "import { b } from '../contract/b.ts';", 'contract/b.ts': '' },
      /session \(2\) imports contract/,
    ],
    [
      'a store imports a provider',
      { 'store/a.ts': "import { b } from '../provider/b.ts';", 'provider/b.ts': '' },
      /store \(4\) imports provider/,
    ],
    ['a folder is in no layer', { 'helpers/a.ts': '' }, /helpers is in no layer/],
    [
      'code imports a test file',
      { 'log/a.ts': "import { b } from './b.test-support.ts';", 'log/b.test-support.ts': '' },
      /imports the test file/,
    ],
    ['an import leads nowhere', { 'log/a.ts': "import { b } from './gone.ts';" }, /which is not there/],
    [
      'an import leaves the package',
      { 'main/a.ts': "import { b } from '../../../emulator/src/b.ts';" },
      /outside of the package/,
    ],
    ['node below level 3', { 'contract/a.ts': "import { readFileSync } from 'node:fs';" }, /imports node:fs/],
    ['the clock below level 3', { 'session/a.ts': 'const now = Date.now();' }, /uses Date\.now/],
    ['chance below level 3', { 'placement/a.ts': 'const pick = `${Math.random()}`;' }, /uses Math\.random/],
    ['the process below level 3', { 'log/a.ts': "const home = process.env['HOME'];" }, /uses process/],
    ['a timer below level 3', { 'log/a.ts': 'setTimeout(() => undefined, 1);' }, /uses a timer/],
    ['hono outside of http', { 'engine/a.ts': "import { Hono } from 'hono';" }, /hono belongs to http/],
    [
      'sqlite outside of the stores',
      { 'main/a.ts': "import { DatabaseSync } from 'node:sqlite';" },
      /belongs to store/,
    ],
    [
      'the emulator is loaded',
      { 'main/a.ts': "import { startEmulator } from '@perdure/emulator';" },
      /loads @perdure\/emulator/,
    ],
    [
      'the emulator is loaded later',
      { 'main/a.ts': "await import('@perdure/emulator/main');" },
      /loads @perdure\/emulator/,
    ],
    [
      'a cycle',
      {
        'log/a.ts': "import { b } from './b.ts';",
        'log/b.ts': "import { c } from './c.ts';",
        'log/c.ts': "import { a } from './a.ts';",
      },
      /cycle: log\/a\.ts -> log\/b\.ts -> log\/c\.ts -> log\/a\.ts/,
    ],
  ];
  test.each(cases)('%s', (_, files, breach) => {
    const found = breaches(planted(files));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(breach);
  });

  test('too few modules', () => {
    expect(breaches(new Map([['kernel/a.ts', '']]))).toEqual(['only 1 modules were found']);
  });

  test('a dynamic import that cannot be read', () => {
    expect(() => breaches(planted({ 'main/a.ts': 'await import(name);' }))).toThrow(/no plain text/);
    const how = 'await import(pathToFileURL(path).href);';
    expect(breaches(planted({ 'provider/module-tools/import-module.ts': how }))).toEqual([]);
    expect(() => breaches(planted({ 'provider/a.ts': how }))).toThrow(/no plain text/);
    expect(() => breaches(planted({ 'main/a.ts': 'await import(`./${name}.ts`);' }))).toThrow(/no plain text/);
  });
});

describe('what is allowed passes:', () => {
  test.each([
    ['a lower layer', { 'main/a.ts': "import { b } from '../log/b.ts';", 'log/b.ts': '' }],
    ['the face of the package', { 'index.ts': "export { a } from './main/a.ts';", 'main/a.ts': '' }],
    ['its own folder', { 'main/a.ts': "import { b } from './deep/b.ts';", 'main/deep/b.ts': '' }],
    ['node from level 3', { 'engine/a.ts': "import { hash } from 'node:crypto';\nDate.now();" }],
    ['words in comments', { 'log/a.ts': "// Date.now() and import '../engine/b.ts'\n/* process.exit */" }],
    ['words in texts', { 'log/a.ts': 'const text = \'Date.now()\' + "process.exit" + `Math.random ${1} fetch()`;' }],
    ['words in expressions', { 'log/a.ts': 'const quote = /[\'"`]/; const pattern = /Math.random/;' }],
    [
      'a cycle of types',
      { 'log/a.ts': "import type { B } from './b.ts';", 'log/b.ts': "import type { A } from './a.ts';" },
    ],
    [
      'tests that import anything',
      { 'log/a.test.ts': "import { b } from '../main/b.ts';\nimport 'node:fs';", 'main/b.ts': '' },
    ],
  ])('%s', (_, files) => {
    expect(breaches(planted(files))).toEqual([]);
  });
});

test('code is told from comments and texts', () => {
  expect(codeOf('a /* b */ c // d\ne')).toBe('a         c     \ne');
  expect(codeOf("f('g\\'h') / 2 / i")).toBe('f(      ) / 2 / i');
  expect(codeOf('`x ${y + `z ${w}`} v`').replaceAll(' ', '')).toBe('y+w');
});
