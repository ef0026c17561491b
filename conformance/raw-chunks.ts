/** The chunks of a chunked transfer as the server made them, which HTTP clients do not show. */
import { connect } from 'node:net';

/** Null if the answer is not chunked. Plain HTTP only. */
export function rawChunks(address: string, key: string, body: string): Promise<readonly string[] | null> {
  const url = new URL(address);
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    ...(key === '' ? [] : [`authorization: Bearer ${key}`]),
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port) || 80, url.hostname, () =>
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`),
    );
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('close', () => resolve(chunksOf(Buffer.concat(pieces))));
    socket.on('error', reject);
  });
}

export function chunksOf(bytes: Buffer): readonly string[] | null {
  const body = bytes.indexOf('\r\n\r\n') + 4;
  if (!/\r\ntransfer-encoding: *chunked/i.test(bytes.subarray(0, body).toString('latin1'))) return null;
  const chunks: string[] = [];
  for (let from = body; from < bytes.length; ) {
    const line = bytes.indexOf('\r\n', from);
    const size = Number.parseInt(bytes.subarray(from, line).toString('latin1'), 16);
    if (!(size > 0)) break;
    chunks.push(bytes.subarray(line + 2, line + 2 + size).toString('utf8'));
    from = line + 2 + size + 2;
  }
  return chunks;
}
