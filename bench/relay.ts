/** The floor: a bare `node:http` relay that forwards bytes both ways over kept-alive connections, and does nothing else. */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const upstream = new URL(process.argv[2] ?? '');
const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
const server = createServer((req, res) => {
  const { hostname, port } = upstream;
  const forward = request(
    {
      agent,
      hostname,
      port,
      path: upstream.pathname.replace(/\/$/, '') + (req.url ?? ''),
      method: req.method,
      headers: req.headers,
    },
    answer => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    },
  );
  forward.on('error', () => res.destroy());
  req.pipe(forward);
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`),
);
process.on('SIGTERM', () => process.exit(0));
