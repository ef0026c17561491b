/** The command line in a process of its own, which a kill point ends as `kill -9` does. */
import { main } from '../cli.ts';

process.exitCode = await main(process.argv.slice(2));
