/** A server that was started with an open file: `node inherited.test-support.ts <descriptor> [defence taken...]` prints what a command reads of it. */
import type { Defence } from '../sandbox/defences.ts';
import { closeAll, openTest, run, specOf } from '../workspace.test-support.ts';

const [descriptor = '', ...taken] = process.argv.slice(2);
const workspaces = await openTest({ isolation: 'required', taken: new Set(taken as Defence[]) });
const workspace = await workspaces.open(specOf());
const { output } = await run(workspace, `cat <&${descriptor}; ls /proc/self/fd`);
process.stdout.write(output);
await closeAll();
