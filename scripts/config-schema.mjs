/** `npm run schema`: writes packages/server/perdure.schema.json, which editors use for perdure.yaml. A test compares the two. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema } from '../packages/server/src/main/config/json-schema.ts';
import { root, run } from './run-step.mjs';

const file = join(root, 'packages/server/perdure.schema.json');
writeFileSync(file, configJsonSchema());
const { code, output } = await run('biome', ['format', '--write', file]);
if (code !== 0) process.stderr.write(output);
process.exitCode = code;
