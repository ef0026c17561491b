/** A module of tools for `waiting.ts`: one with a side effect that may not come twice, which lies outside of the server's data. */
import { appendFileSync } from 'node:fs';
import * as z from 'zod';
import { defineTool, type ModuleTool } from '../packages/server/src/provider/module-tools/define-tool.ts';

const effects = process.env['BENCH_EFFECTS'];

export const pay: ModuleTool = defineTool({
  name: 'pay',
  description: 'Pays a bill.',
  input: z.object({ bill: z.number().int() }),
  run({ bill }, { key }) {
    if (effects !== undefined) appendFileSync(effects, `${bill} ${key}\n`);
    return `Bill ${bill} is paid.`;
  },
});
