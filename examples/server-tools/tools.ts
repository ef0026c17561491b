/**
 * Tools that the server itself runs. Their arguments are checked against the schema before `run` sees them, and `run` is typed by it.
 * `npx --no-install perdure tools list --config examples/server-tools/perdure.yaml` shows them.
 */
import { defineTool, ToolError } from 'perdure';
import * as z from 'zod';

const PORTS: { readonly [port: string]: string } = { Harwich: '14:20', Hamburg: '17:05' };

/** It only reads, so that it may run again after a crash. */
export const tide = defineTool({
  name: 'tide',
  description: 'High water at a port today.',
  input: z.object({ port: z.string().describe('The name of the port.') }),
  idempotent: true,
  run({ port }) {
    const at = PORTS[port];
    if (at === undefined) throw new ToolError(`No tides are known of ${port}.`, { code: 'unknown_port' });
    return `High water at ${port} is at ${at}.`;
  },
});

/** Berths that are taken, by the key of the call: a real one would be a table with a unique column. */
const bookings = new Map<string, string>();

/** The key makes a second run harmless: only with it may this tool say that it is idempotent. */
export const book = defineTool({
  name: 'book_berth',
  description: 'Books a berth for a ship.',
  input: z.object({ port: z.string(), ship: z.string(), nights: z.number().int().min(1).max(30).default(1) }),
  idempotent: true,
  run({ port, ship, nights }, { key, tenant }) {
    const known = bookings.get(key);
    const berth = known ?? `${port}-${bookings.size + 1}`;
    bookings.set(key, berth);
    return { berth, ship, nights, tenant };
  },
});
