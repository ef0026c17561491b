import { defineConfig } from 'vitest/config';

/** One project per kind of test (see CONTRIBUTING.md). A file's name says which it belongs to. */
const kinds = ['property', 'conformance', 'clients', 'crash', 'load', 'browser'] as const;
const roots = ['packages/*/src', 'test', 'bench', 'conformance'];
const slow = { testTimeout: 120_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          // A unit test waits for nothing; this is for machines that do many things at once.
          testTimeout: 30_000,
          include: roots.map(root => `${root}/**/*.test.ts`),
          exclude: kinds.map(kind => `**/*.${kind}.test.ts`),
        },
      },
      ...kinds.map(kind => ({
        test: { name: kind, include: roots.map(root => `${root}/**/*.${kind}.test.ts`), ...slow },
      })),
    ],
  },
});
