/**
 * What the server takes of `node:http`. An `import` of it makes a list of all that it exports, its WebSocket too, and for that Node loads its whole
 * `fetch` and HTTP/2: 14 MB (`main/idle-modules.test.ts`).
 */
import type * as http from 'node:http';

const loaded: typeof http = process.getBuiltinModule('node:http');

export const createServer: typeof http.createServer = loaded.createServer;
export const ServerResponse: typeof http.ServerResponse = loaded.ServerResponse;
export const STATUS_CODES: typeof http.STATUS_CODES = loaded.STATUS_CODES;
