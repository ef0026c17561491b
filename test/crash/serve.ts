/**
 * The server as the harness starts it: the same parts as `perdure up`, but everything is loaded before it waits for a word on its standard
 * input. So the next process is warm while the last one still serves, and a restart takes as long as its own work takes.
 *
 *   node serve.ts CONFIG DATA
 */
import { once } from 'node:events';
import { composeServer } from '../../packages/server/src/main/compose.ts';
import { loadConfig } from '../../packages/server/src/main/config/load.ts';

const [file, data] = process.argv.slice(2);
if (file === undefined || data === undefined) throw new Error('usage: serve.ts CONFIG DATA');
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const { config } = loadConfig(file, process.env);
say({ loaded: true });
// Ends with the harness: its end closes the pipe.
process.stdin.on('end', () => process.exit(3));
await once(process.stdin, 'data');

const server = await composeServer(
  { ...config, data, listen: { host: '127.0.0.1', port: 0 } },
  { log: line => void process.stderr.write(`${line}\n`) },
);
say({ url: server.url });
process.on('SIGTERM', () => {
  void server.close().then(() => process.exit(0));
});
