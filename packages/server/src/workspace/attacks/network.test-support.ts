/** Attacks that reach over the network of the host. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type Attack, perl, said } from './attack.test-support.ts';

const GREETING = 'hello from the host';

async function listening(
  where: object,
  bait: (address: AddressInfo) => string,
): ReturnType<NonNullable<Attack['setUp']>> {
  const server = createServer(socket => socket.on('error', () => undefined).end(`${GREETING}\n`));
  server.listen(where);
  await once(server, 'listening');
  return { bait: bait(server.address() as AddressInfo), takeDown: () => void server.close() };
}

const dialUnix = (path: string): string =>
  perl(`use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); print <S> if connect(S, pack_sockaddr_un("${path}"))`);

let heard: string[] = [];

export const REACHES: readonly Attack[] = [
  {
    name: 'reaches a server of the host over TCP',
    heldBy: ['network-namespace'],
    setUp: () => listening({ port: 0, host: '127.0.0.1' }, ({ port }) => String(port)),
    command: ({ bait }) => `exec 3<>/dev/tcp/127.0.0.1/${bait} && cat <&3`,
    through: said(GREETING),
  },
  {
    name: 'reaches a server of the host over UDP, as for names',
    heldBy: ['network-namespace'],
    setUp: async () => {
      heard = [];
      const socket = createSocket('udp4', message => void heard.push(String(message)));
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      return { bait: String(socket.address().port), takeDown: () => void socket.close() };
    },
    command: ({ bait }) => `echo query > /dev/udp/127.0.0.1/${bait}; sleep 0.2`,
    through: () => heard.includes('query\n'),
  },
  {
    name: 'reaches an abstract socket of the host',
    heldBy: ['network-namespace'],
    setUp: () => listening({ path: `\0perdure-attack-${process.pid}` }, () => `\\0perdure-attack-${process.pid}`),
    command: ({ bait }) => dialUnix(bait),
    through: said(GREETING),
  },
  {
    name: 'reaches a socket in the files of the host',
    heldBy: ['own-root'],
    setUp: async ({ outside }) => {
      const path = join(outside, 'socket');
      const up = await listening({ path }, () => path);
      chmodSync(path, 0o777);
      return up;
    },
    command: ({ bait }) => `${dialUnix(bait)}; ${dialUnix(`/host${bait}`)}`,
    through: said(GREETING),
  },
  {
    name: 'sees the interfaces of the host',
    heldBy: ['network-namespace'],
    command: () => 'readlink /proc/self/ns/net; tail -n +3 /proc/net/dev | grep -v "^ *lo:" && echo more',
    through: said('more'),
  },
];
