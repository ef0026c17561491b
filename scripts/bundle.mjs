/**
 * The server's compiled modules as few files, one an entry and what entries share: a start loads some thirty files instead of a thousand, and
 * an idle server holds less text and fewer records of modules (bench/README.md). Names stay as they are; only white space and comments go.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './run-step.mjs';

/** What a process or a thread begins with, and the library. */
const ENTRIES = [
  'index',
  'main/cli',
  'main/govern/cedar-worker',
  'main/ledger/worker',
  'main/shadow/worker',
  'store/sqlite/reader',
  'store/sqlite/writer',
  'workspace/just-bash/child',
  'workspace/network/relay',
  'workspace/programs/worker',
];

/** Every server loads these when it starts. Other dependencies are loaded from their own packages, most of them late. */
const BUNDLED = ['@perdure/protocol', 'commander', 'hono', 'yaml', 'zod'];

/** Stands for `import.meta.url` until it is known in which file a module comes to lie. */
const HERE = /__PERDURE_HERE__\(["'`]([^"'`]+)["'`]\)/g;

const protocol = join(root, 'packages', 'protocol', 'dist');
const isBundled = id => BUNDLED.some(name => id === name || id.startsWith(`${name}/`));

/** @param {string} from the compiled modules @param {string} to a folder */
export async function bundle(from, to) {
  const entries = ENTRIES.map(entry => [entry, join(from, `${entry}.js`)]);
  const built = await rolldown({
    input: Object.fromEntries(entries),
    platform: 'node',
    external: id => !/^[./]|^[A-Za-z]:/.test(id) && !isBundled(id),
    resolve: {
      alias: {
        '@perdure/protocol/openapi': join(protocol, 'openapi', 'index.js'),
        '@perdure/protocol': join(protocol, 'index.js'),
      },
    },
    plugins: [ownPlaces(from)],
  });
  const { output } = await built.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  await built.close();
  for (const file of output) {
    mkdirSync(dirname(join(to, file.fileName)), { recursive: true });
    writeFileSync(join(to, file.fileName), ascii(file.code));
  }
  writeFileSync(join(to, 'THIRD-PARTY.txt'), notices(output.flatMap(file => file.moduleIds)));
}

/** Modules find threads, contracts and pages from where they were compiled to, wherever their code comes to lie. */
function ownPlaces(from) {
  return {
    name: 'own-places',
    transform(code, id) {
      if (!id.startsWith(from) || !code.includes('import.meta.url')) return null;
      return code.replaceAll('import.meta.url', `__PERDURE_HERE__(${JSON.stringify(slashes(relative(from, id)))})`);
    },
    renderChunk(code, { fileName }) {
      return code.replaceAll(HERE, (_, place) => {
        const path = slashes(relative(dirname(fileName), place));
        return `new URL(${JSON.stringify(path.startsWith('.') ? path : `./${path}`)},import.meta.url).href`;
      });
    },
  };
}

const slashes = path => path.replaceAll('\\', '/');

/** V8 takes two bytes for each character of a source that has any beyond ASCII. They stand in texts and patterns, where an escape is the same. */
function ascii(code) {
  return code.replaceAll(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The licences of what is in the files. */
function notices(modules) {
  const folders = new Set(modules.flatMap(id => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id) ?? []));
  return [...folders]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map(noticeOf)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find(one => /^licen[cs]e/i.test(one));
  if (file === undefined || !existsSync(join(folder, file)))
    throw new Error(`${name} has no licence to go with its code`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}
