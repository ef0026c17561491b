/**
 * Who may speak to a server that has no keys: programs on this machine, and no web page. A browser is stopped by its `Origin` and
 * `Sec-Fetch-Site`, a rebound DNS name by `Host`, a form by the media type.
 */
import { perdureError } from '@perdure/protocol';
import type { IncomingMessage } from 'node:http';

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host);
}

/** @throws host_not_allowed, origin_not_allowed */
export function guardLocal(req: Pick<IncomingMessage, 'headers'>): void {
  const { host, origin } = req.headers;
  if (host === undefined || !isLoopbackHost(host)) throw perdureError('host_not_allowed');
  const site = req.headers['sec-fetch-site'];
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (foreign || (origin !== undefined && origin !== `http://${host}`)) throw perdureError('origin_not_allowed');
}

/** No body is taken compressed: its bounds are of what is read. @throws unsupported_media_type */
export function guardPlain({ headers }: Pick<IncomingMessage, 'headers'>): void {
  const { 'content-encoding': encoding = 'identity' } = headers;
  if (encoding.trim().toLowerCase() !== 'identity')
    throw perdureError('unsupported_media_type', 'The request body must be sent without a content-encoding.');
}

/** @throws unsupported_media_type */
export function guardJson(req: Pick<IncomingMessage, 'headers'>): void {
  const type = req.headers['content-type'];
  if (type === undefined || !/^application\/json\s*(;|$)/i.test(type)) throw perdureError('unsupported_media_type');
  guardPlain(req);
}
