import type { Exchange } from './exchange.ts';
import { notFound } from './failure.ts';
import { parseBody } from './request-body.ts';
import type { Service } from './service.ts';

/** `/_emulator/...`: faults, the request log and health. Needs no key: the emulator is meant for loopback. */
export function serveControl(service: Service, method: string, path: string, body: Buffer, exchange: Exchange): void {
  const json = (status: number, value: unknown): void => exchange.json(status, JSON.stringify(value));
  switch (`${method} ${path}`) {
    case 'POST faults':
      return json(201, service.rules.add(parseBody(body, 'application/json')));
    case 'GET faults':
      return json(200, { faults: service.rules.list() });
    case 'DELETE faults':
      service.rules.clear();
      return json(200, { deleted: true });
    case 'GET log':
      return json(200, service.log.read());
    case 'DELETE log':
      service.log.clear();
      return json(200, { deleted: true });
    case 'GET health':
      return json(200, { emulated: true, clouds: [...service.clouds], requests: service.requests });
    default:
      throw notFound(`Invalid URL (${method} /_emulator/${path})`);
  }
}
