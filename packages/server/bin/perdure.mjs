#!/usr/bin/env node
// Plain JavaScript on purpose: it must parse on any Node, to say clearly which Node is wanted.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(
    `perdure needs Node 22.13 or newer, and this is ${process.version}.\n` +
      'In a checkout, run it through npm (npm start, npx --no-install perdure ...): npm puts the pinned Node first.\n',
  );
  process.exit(1);
}
const source = new URL('../src/main/cli.ts', import.meta.url);
const built = new URL('../dist/main/cli.js', import.meta.url);
const { main } = await import(existsSync(source) ? source : built);
process.exitCode = await main(process.argv.slice(2));
