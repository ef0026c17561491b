/** That `tsc -b` looks at every file, tests too, and that a mistake of types fails it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = realpathSync(fileURLToPath(new URL('../../..', import.meta.url)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const node = process.execPath;

function projects(): readonly string[] {
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
    references: { path: string }[];
  };
  return references.map(({ path }) => path);
}

function sourcesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (['node_modules', 'dist'].includes(entry.name) || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesIn(path);
    return path.endsWith('.ts') && !path.endsWith('.d.ts') ? [path] : [];
  });
}

test('every TypeScript file is in a project', () => {
  const listed = projects().flatMap(project => {
    const text = execFileSync(node, [tsc, '-p', join(root, project), '--listFilesOnly'], {
      encoding: 'utf8',
      cwd: root,
    });
    return text.split('\n').map(line => resolve(root, line.trim()));
  });
  const seen = new Set(listed);
  const sources = ['packages', 'test', 'bench', 'examples', 'conformance'].flatMap(folder => {
    try {
      return sourcesIn(join(root, folder));
    } catch {
      return [];
    }
  });
  expect(sources.some(path => path.endsWith('typecheck.test.ts'))).toBe(true);
  expect(sources.filter(path => !seen.has(path)).map(path => path.slice(root.length + 1))).toEqual([]);
}, 120_000);

test('a mistake in a test file fails the compiler', () => {
  const folder = mkdtempSync(join(root, 'node_modules', '.typecheck-'));
  try {
    const base = join(root, 'tsconfig.base.json');
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: base,
        compilerOptions: { rootDir: '.', outDir: 'out', types: [] },
        files: ['a.test.ts'],
      }),
    );
    const compile = (text: string): { status: number | null; stdout: string } => {
      writeFileSync(join(folder, 'a.test.ts'), text);
      return spawnSync(node, [tsc, '-p', folder, '--noEmit'], { encoding: 'utf8' });
    };
    expect(compile('export const a: number = 1;\n')).toMatchObject({ status: 0 });
    for (const wrong of [
      "export const a: number = 'b';\n",
      'export const a: string = [][0];\n',
      'export const a: { b?: 1 } = { b: undefined };\n',
    ]) {
      const { status, stdout } = compile(wrong);
      expect(status).not.toBe(0);
      expect(stdout).toContain('a.test.ts');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
