/**
 * Writes a package as it is published: compiled code instead of sources, exports that point at it, no tests.
 * In the checkout `exports` point at the sources, so that everything runs without a build.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundle } from './bundle.mjs';
import { root } from './run-step.mjs';

export const PACKAGES = ['protocol', 'client', 'emulator', 'server'];

/** Compiled tests, and suites that only tests use. */
const TESTS =
  /(\.(test|test-support)\.|[\\/](conformance|conformance-case|cases|planted|test-support)([\\/]|\.)|\.tsbuildinfo$)/;
/** The server's are bundled; its types are as they were compiled. */
const COMPILED = /\.js(\.map)?$/;
/** What lies beside `dist` in a package, if it is there. */
const EXTRAS = ['bin', 'README.md', 'perdure.schema.json'];

const compiled = source => `./dist/${source.replace(/^\.\/src\//, '').replace(/\.ts$/, '')}`;

/** @param {Record<string, string>} entries `exports` of the checkout */
function publishedExports(entries) {
  const mapped = Object.entries(entries).map(([name, source]) =>
    source.endsWith('.ts')
      ? [name, { types: `${compiled(source)}.d.ts`, default: `${compiled(source)}.js` }]
      : [name, source],
  );
  return { ...Object.fromEntries(mapped), './package.json': './package.json' };
}

/**
 * @param {string} name folder below packages/
 * @param {string} into folder in which the package's folder is made
 * @returns {Promise<string>} that folder
 */
export async function stage(name, into) {
  const from = join(root, 'packages', name);
  const to = join(into, name);
  if (!existsSync(join(from, 'dist', 'index.js'))) throw new Error(`packages/${name} is not built: npm run build`);
  mkdirSync(to, { recursive: true });
  cpSync(join(from, 'dist'), join(to, 'dist'), {
    recursive: true,
    filter: path => !TESTS.test(path.slice(from.length)) && !(name === 'server' && COMPILED.test(path)),
  });
  if (name === 'server') await bundle(join(from, 'dist'), join(to, 'dist'));
  for (const extra of EXTRAS) {
    if (existsSync(join(from, extra))) cpSync(join(from, extra), join(to, extra), { recursive: true });
  }
  const shared = name === 'server' ? ['LICENSE', 'README.md', 'contracts', 'permissions'] : ['LICENSE'];
  for (const path of shared) {
    if (existsSync(join(root, path))) cpSync(join(root, path), join(to, basename(path)), { recursive: true });
  }
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const files = ['dist', ...EXTRAS, 'contracts', 'permissions', 'LICENSE'].filter(path => existsSync(join(to, path)));
  const published = { ...manifest, exports: publishedExports(manifest.exports), files };
  delete published.private;
  delete published.devDependencies;
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  return to;
}
