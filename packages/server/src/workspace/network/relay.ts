/**
 * Runs inside, before a command that has a network: listens on the loopback of the sandbox and hands every connection to the proxy's
 * socket, which is all that reaches out. A program of its own, read from this one file: it imports nothing of ours.
 *
 *   node relay.ts <socket> <port> <command> [argument...]
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';

const [socket = '', port = '', command = '', ...args] = process.argv.slice(2);

const server = createServer(client => {
  const proxy = connect(socket);
  client.pipe(proxy).pipe(client);
  client.on('error', () => proxy.destroy());
  proxy.on('error', () => client.destroy());
});
server.listen(Number(port), '127.0.0.1', () => {
  const child = spawn(command, args, { stdio: 'inherit' });
  child.once('error', () => process.exit(127));
  child.once('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 137));
});
