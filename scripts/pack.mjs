/** `node scripts/pack.mjs [folder]`: the packages as they are published, one folder each; then `npm publish <folder>/<package>`. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { PACKAGES, stage } from './publishable.mjs';

const into = resolve(process.argv[2] ?? 'dist/packages');
mkdirSync(into, { recursive: true });
for (const name of PACKAGES) process.stdout.write(`${await stage(name, into)}\n`);
