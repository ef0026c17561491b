/** `tools` and `mcp` of perdure.yaml: modules of tools, and which MCP servers are spoken to. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { MCP_LIMITS, type McpLimits } from '../../provider/mcp/limits.ts';
import type { McpClient, McpRules } from '../../provider/mcp/rules.ts';
import { type FileEgress, egressOf } from './egress.ts';
import type { Maybe } from './file-form.ts';

export interface FileMcp {
  readonly mode?: Maybe<'none' | 'public' | 'allow-list'>;
  readonly hosts?: Maybe<readonly string[]>;
  readonly private_hosts?: Maybe<readonly string[]>;
  readonly trusted?: Maybe<readonly string[]>;
  readonly stdio?: Maybe<
    readonly {
      readonly name: string;
      readonly command: string;
      readonly args?: Maybe<readonly string[]>;
      readonly env?: Maybe<{ readonly [name: string]: string }>;
      readonly cwd?: Maybe<string>;
    }[]
  >;
  readonly oauth?: Maybe<
    readonly {
      readonly host: string;
      readonly client_id: string;
      readonly client_secret: string;
      readonly issuer: string;
      readonly scope?: Maybe<string>;
    }[]
  >;
  readonly limits?: Maybe<{ readonly [name: string]: Maybe<number> }>;
}

/** A module as the file names it, and where it is. */
export interface ToolModule {
  readonly shown: string;
  readonly path: string;
}

export interface ToolsConfig {
  readonly modules: readonly ToolModule[];
  readonly mcp: McpRules;
  readonly limits: McpLimits;
  readonly clients: readonly McpClient[];
}

const BOUNDS = { modules: 64, hosts: 1_000, commands: 64, args: 64, argChars: 4_096, env: 64, envChars: 32_768 };
/** Those of `McpLimits` that operators set: their name in the file, least, most, and what they are. */
const LIMITS: { readonly [name in keyof McpLimits]: readonly [file: string, min: number, max: number, what: string] } =
  {
    servers: ['servers', 1, 128, 'MCP servers a session.'],
    tools: ['tools', 1, 4_096, 'Tools a server; those over it are left out.'],
    schemaBytes: ['schema_bytes', 256, 1024 * 1024, 'Bytes of the schema of a tool; one with more is left out.'],
    descriptionBytes: [
      'description_bytes',
      64,
      1024 * 1024,
      'Bytes of the description of a tool; what is over is cut.',
    ],
    resultBytes: [
      'result_bytes',
      256,
      64 * 1024 * 1024,
      'Bytes that the model is shown of a result; what is over is cut.',
    ],
    wireBytes: ['wire_bytes', 1_024, 256 * 1024 * 1024, 'Bytes of one answer of a server.'],
    connectMs: ['connect_ms', 50, 120_000, 'To reach a server and list its tools, ms.'],
    callMs: ['call_ms', 50, 3_600_000, 'One call, ms.'],
    listMs: ['list_ms', 0, 3_600_000, 'How long a list of tools is taken as it was, ms.'],
    lists: ['lists', 1, 100_000, 'Lists of tools that are kept.'],
    listBytes: ['list_bytes', 1_024, 1024 * 1024 * 1024, 'Bytes of all lists that are kept.'],
    processes: ['processes', 1, 10_000, 'Processes of mcp.stdio at once, of all sessions.'],
  };

const HOST = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/;
const hosts = (what: string): z.ZodType<readonly string[]> =>
  z
    .array(z.string().max(261).regex(HOST, 'must be a host, as mcp.example.com, *.example.com or 10.0.0.7:8080'))
    .max(BOUNDS.hosts)
    .meta({ description: what });
const word = (what: string, most: number): z.ZodString => z.string().min(1).max(most).meta({ description: what });

const stdio = z.strictObject({
  name: word('What sessions write as the command of the transport.', 64),
  command: word('The program: an absolute path, or a name that is found in PATH.', BOUNDS.argChars),
  args: z
    .array(z.string().max(BOUNDS.argChars))
    .max(BOUNDS.args)
    .nullish()
    .meta({ description: 'Its arguments. Default: none.' }),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable'),
      z.string().max(BOUNDS.envChars),
    )
    .refine(given => Object.keys(given).length <= BOUNDS.env, `has more than ${BOUNDS.env} variables`)
    .nullish()
    .meta({
      description: 'Its whole environment, beside PATH. Write ${NAME} to take a value from ours. Default: none.',
    }),
  cwd: word(
    'The folder that it runs in, relative to this file. Default: that of the server.',
    BOUNDS.argChars,
  ).nullish(),
});

const oauth = z.strictObject({
  host: z
    .string()
    .max(261)
    .regex(HOST, 'must be a host, as mcp.example.com')
    .meta({ description: 'The host of the MCP server.' }),
  client_id: word('The client.', 1_024),
  client_secret: word('Its secret; write ${NAME} to take it from the environment.', 4_096),
  issuer: z
    .string()
    .max(2_048)
    .refine(given => URL.canParse(given) && /^https?:$/.test(new URL(given).protocol), 'must be an address')
    .meta({ description: 'The authorization server. The secret is sent to no other.' }),
  scope: word('The scopes to ask for, with spaces between. Default: what the server says.', 2_048).nullish(),
});

export const mcp: z.ZodType<FileMcp> = z.strictObject({
  mode: z.enum(['none', 'public', 'allow-list']).nullish().meta({
    description: 'Which MCP servers over HTTP sessions may name. Default: as egress.mode (passthrough counts as none).',
  }),
  hosts: hosts('The hosts of allow-list, written as in egress.').nullish(),
  private_hosts: hosts('Those of hosts that may be at private addresses. Default: none.').nullish(),
  trusted: z.array(z.string().min(1).max(261)).max(BOUNDS.hosts).nullish().meta({
    description:
      'Hosts, and names of stdio, whose word is taken that a tool only reads or may run twice. Others are never run again by themselves. Default: none.',
  }),
  stdio: z
    .array(stdio)
    .max(BOUNDS.commands)
    .superRefine((commands, ctx) => {
      for (const [i, { name }] of commands.entries())
        if (commands.findIndex(other => other.name === name) !== i)
          ctx.addIssue({ code: 'custom', path: [i, 'name'], message: 'is there twice' });
    })
    .nullish()
    .meta({
      description:
        'MCP servers that run as processes on this host. Sessions can name these and no others. Default: none.',
    }),
  oauth: z
    .array(oauth)
    .max(BOUNDS.commands)
    .nullish()
    .meta({ description: 'Client credentials for MCP servers, where no vault has a credential. Default: none.' }),
  limits: z
    .strictObject(
      Object.fromEntries(
        Object.entries(LIMITS).map(([name, [file, min, max, what]]) => [
          file,
          z
            .int()
            .min(min)
            .max(max)
            .nullish()
            .meta({ description: `${what} Default: ${MCP_LIMITS[name as keyof McpLimits]}.` }),
        ]),
      ),
    )
    .nullish()
    .meta({ description: 'Bounds on what MCP servers may do.' }),
});

const path = word('A module, relative to this file.', 4_096);
export const tools: z.ZodType<string | readonly string[]> = z
  .union([path, z.array(path).max(BOUNDS.modules)])
  .meta({ description: 'Modules whose tools the server runs: docs/tools.md. Default: none.' });

export function toolsOf(
  file: {
    readonly tools?: Maybe<string | readonly string[]>;
    readonly mcp?: Maybe<FileMcp>;
    readonly egress?: Maybe<FileEgress>;
  },
  base: string,
): ToolsConfig {
  const modules = typeof file.tools === 'string' ? [file.tools] : (file.tools ?? []);
  const { mcp: given } = file;
  const egress = egressOf(file.egress);
  const mode = given?.mode ?? (egress.mode === 'passthrough' ? 'none' : egress.mode);
  const own = given?.mode !== undefined && given.mode !== null;
  return {
    modules: modules.map(shown => ({ shown, path: resolve(base, shown) })),
    mcp: {
      egress: {
        ...egress,
        mode,
        hosts: given?.hosts ?? (own ? [] : egress.hosts),
        privateHosts: given?.private_hosts ?? (own ? [] : egress.privateHosts),
      },
      trusted: given?.trusted ?? [],
      stdio: (given?.stdio ?? []).map(({ name, command, args, env, cwd }) => ({
        name,
        command,
        args: args ?? [],
        env: env ?? {},
        cwd: typeof cwd === 'string' ? resolve(base, cwd) : null,
      })),
    },
    limits: limitsOf(given?.limits ?? {}),
    clients: (given?.oauth ?? []).map(one => ({
      host: one.host,
      clientId: one.client_id,
      clientSecret: one.client_secret,
      issuer: one.issuer,
      scope: one.scope ?? null,
    })),
  };
}

function limitsOf(given: { readonly [name: string]: Maybe<number> }): McpLimits {
  const said = Object.entries(LIMITS).flatMap(([name, [file]]) => {
    const value = given[file];
    return typeof value === 'number' ? [[name, value] as const] : [];
  });
  return { ...MCP_LIMITS, ...Object.fromEntries(said) };
}
