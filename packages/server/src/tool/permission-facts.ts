/** What a permission is told of a call: plain facts, read off the call's arguments. `contract/tool-schema.ts` says what each means. */
import type { Json, JsonObject } from '../log/events.ts';
import { canonicalJson } from './canonical.ts';

/** A call that wants to be made. */
export interface CallQuestion {
  readonly tenant: string;
  readonly principal: string;
  readonly agent: { readonly id: string; readonly version: number; readonly name: string | null };
  readonly session: string;
  readonly labels: readonly string[];
  readonly tool: { readonly name: string; readonly origin: CallOrigin; readonly idempotent: boolean };
  /** Absent: `direct`. */
  readonly caller?: 'direct' | 'programmatic';
  readonly arguments: JsonObject;
  /** ms since 1970. */
  readonly at: number;
}

export type CallOrigin =
  | { readonly kind: 'client' | 'builtin' }
  | { readonly kind: 'module'; readonly module: string }
  | { readonly kind: 'mcp'; readonly server: string; readonly tool: string };

export interface CallFacts {
  readonly tenant: string;
  readonly principal: string;
  readonly agent: { readonly id: string; readonly version: number; readonly name: string };
  readonly session: string;
  readonly labels: readonly string[];
  readonly tool: {
    readonly name: string;
    /** Its name where it runs. */
    readonly remote: string;
    readonly origin: CallOrigin['kind'];
    /** The MCP server, or the module; null for the others. */
    readonly group: string | null;
    readonly idempotent: boolean;
  };
  readonly args: {
    readonly json: string;
    readonly names: readonly string[];
    readonly text: ReadonlyMap<string, string>;
    readonly number: ReadonlyMap<string, number>;
    readonly flag: ReadonlyMap<string, boolean>;
    readonly list: ReadonlyMap<string, readonly string[]>;
  };
  readonly command: string | null;
  readonly path: string | null;
  readonly url: string | null;
  readonly host: string | null;
  readonly caller: 'direct' | 'programmatic';
  readonly at: number;
}

export function factsOf(question: CallQuestion): CallFacts {
  const { tenant, principal, agent, session, labels, tool, caller, arguments: args, at } = question;
  const { origin } = tool;
  const fields = Object.entries(args);
  const url = textIn(args, 'url');
  const path = textIn(args, 'path');
  return {
    tenant,
    principal,
    agent: { id: agent.id, version: agent.version, name: agent.name ?? '' },
    session,
    labels,
    tool: {
      name: tool.name,
      remote: origin.kind === 'mcp' ? origin.tool : tool.name,
      origin: origin.kind,
      group: origin.kind === 'mcp' ? origin.server : origin.kind === 'module' ? origin.module : null,
      idempotent: tool.idempotent,
    },
    args: {
      json: canonicalJson(args),
      names: fields.map(([name]) => name),
      text: new Map(fields.filter((field): field is [string, string] => typeof field[1] === 'string')),
      // Cedar has whole numbers only: another one is among the names, and in the JSON.
      number: new Map(fields.filter((field): field is [string, number] => Number.isSafeInteger(field[1]))),
      flag: new Map(fields.filter((field): field is [string, boolean] => typeof field[1] === 'boolean')),
      list: new Map(fields.flatMap(([name, value]) => (isTexts(value) ? [[name, value] as const] : []))),
    },
    command: textIn(args, 'command'),
    path: path === null ? null : plainPath(path),
    url,
    host: url === null ? null : hostOf(url),
    caller: caller ?? 'direct',
    at,
  };
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string');
}

function textIn(args: JsonObject, name: string): string | null {
  const value = Object.hasOwn(args, name) ? args[name] : undefined;
  return typeof value === 'string' ? value : null;
}

/**
 * Without `.`, `..` and doubled slashes, so that a pattern cannot be walked around. What leads out of where it begins keeps its `..` in
 * front; what begins at the root cannot.
 */
export function plainPath(path: string): string {
  const parts: string[] = [];
  const rooted = path.startsWith('/');
  for (const part of path.replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!rooted) parts.push('..');
  }
  const plain = parts.join('/');
  return rooted ? `/${plain}` : plain === '' ? '.' : plain;
}

/** In lower case, without port and without a dot at its end; null if it is no URL. */
export function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') || null : null;
}
