#!/usr/bin/env node
// Plain JavaScript on purpose: it must parse on any Node, to say clearly which Node is wanted.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(
    `perdure needs Node 22.13 or newer, and this is ${process.version}.\n` +
      'In a checkout, run it through npm (npm start, npx --no-install perdure ...): npm puts the pinned Node first.\n',
  );
  process.exit(1);
}

// What was compiled is kept for the next start, in a folder of this user's alone: a shared one would be code that others can write.
// By the environment, so that threads take part. NODE_DISABLE_COMPILE_CACHE=1 turns it off; where nothing can be written, nothing is.
try {
  process.env.NODE_COMPILE_CACHE ??= join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'perdure');
  module.enableCompileCache?.();
} catch {
  // A user without a home folder starts a little slower.
}

const source = new URL('../src/main/cli.ts', import.meta.url);
const built = new URL('../dist/main/cli.js', import.meta.url);
const { main } = await import(existsSync(source) ? source : built);
process.exitCode = await main(process.argv.slice(2));
