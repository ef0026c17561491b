import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('imports nothing but zod and itself, so that it runs in a browser', () => {
  const root = new URL('.', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('test-support'),
  );
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const source = readFileSync(new URL(file, root), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*$/gm, '');
    const imports = [...source.matchAll(/\bfrom '([^']+)'/g)].map(([, from]) => from ?? '');
    expect(
      imports.filter(from => from !== 'zod' && !from.startsWith('.')),
      file,
    ).toEqual([]);
    expect(source, file).not.toMatch(/\b(process|Buffer|Date\.now|Math\.random)\b\s*[.(]/);
  }
});
