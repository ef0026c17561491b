/** `npm run error-docs`: writes docs/errors.md from the catalogue. A test compares the two. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorPage } from '../packages/server/src/main/errors/page.ts';
import { root } from './run-step.mjs';

writeFileSync(join(root, 'docs/errors.md'), errorPage());
