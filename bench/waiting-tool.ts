/** A module of tools for `waiting.ts`: one with a side effect that may not come twice, which lies outside of the server's data. */
import { appendFileSync } from 'node:fs';
import type * as Zod from 'zod';
import type { defineTool as Define, ModuleTool } from '../packages/server/src/provider/module-tools/define-tool.ts';

const effects = process.env['BENCH_EFFECTS'];

export default ({
  defineTool,
  z,
}: {
  readonly defineTool: typeof Define;
  readonly z: typeof Zod;
}): readonly ModuleTool[] => [
  defineTool({
    name: 'pay',
    description: 'Pays a bill.',
    input: z.object({ bill: z.number().int() }),
    run({ bill }, { key }) {
      if (effects !== undefined) appendFileSync(effects, `${bill} ${key}\n`);
      return `Bill ${bill} is paid.`;
    },
  }),
];
