/** `egress` of perdure.yaml: what the server fetches at a caller's word. */
import * as z from 'zod';
import type { EgressRules } from '../../provider/egress/rules.ts';
import type { Maybe } from './file-form.ts';

export interface FileEgress {
  readonly mode?: Maybe<EgressRules['mode']>;
  readonly hosts?: Maybe<readonly string[]>;
  readonly private_hosts?: Maybe<readonly string[]>;
  readonly types?: Maybe<readonly string[]>;
  readonly max_bytes?: Maybe<number>;
  readonly timeout_ms?: Maybe<number>;
  readonly redirects?: Maybe<number>;
}

const HOSTS = 1_000;
const TYPES = 100;
const MIB = 1024 * 1024;
/** A name or an address, perhaps for all names below it, perhaps with a port. */
const HOST = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/;
const TYPE = /^(\*\/\*|[a-z0-9!#$&^_.+-]+\/(\*|[a-z0-9!#$&^_.+-]+))$/;

export const DEFAULT_EGRESS: EgressRules = {
  mode: 'none',
  hosts: [],
  privateHosts: [],
  types: ['text/*', 'image/*', 'application/pdf', 'application/json', 'application/xml', 'application/yaml'],
  maxBytes: 10 * MIB,
  timeoutMs: 10_000,
  redirects: 3,
};

export const hosts = (what: string): z.ZodType<readonly string[]> =>
  z
    .array(
      z
        .string()
        .max(253 + 8)
        .regex(HOST, 'must be a host, as files.example.com, *.example.com or 10.0.0.7:8080'),
    )
    .max(HOSTS)
    .meta({ description: what });

export const egress: z.ZodType<FileEgress> = z.strictObject({
  mode: z.enum(['none', 'public', 'allow-list', 'passthrough']).nullish().meta({
    description:
      'What becomes of the addresses of images and files in an input. none refuses them; public fetches what is on the public network; allow-list fetches from hosts; passthrough lets the target fetch. Default: none.',
  }),
  hosts: hosts(
    'The hosts of allow-list: a name, *. and a name for all below it, an address; with a port if it is not the usual one.',
  ).nullish(),
  private_hosts: hosts(
    'Those of hosts that may be at private addresses. Link-local ones are never asked. Default: none.',
  ).nullish(),
  types: z
    .array(z.string().max(128).regex(TYPE, 'must be a media type, as text/csv or text/*'))
    .max(TYPES)
    .nullish()
    .meta({ description: `Media types of files that are fetched. Default: ${DEFAULT_EGRESS.types.join(', ')}.` }),
  max_bytes: z
    .int()
    .min(1)
    .max(1024 * MIB)
    .nullish()
    .meta({ description: 'What one address may give, in bytes. Default: 10485760.' }),
  timeout_ms: z
    .int()
    .min(50)
    .max(600_000)
    .nullish()
    .meta({ description: 'One fetch, redirects included, in ms. Default: 10000.' }),
  redirects: z
    .int()
    .min(0)
    .max(20)
    .nullish()
    .meta({ description: 'Redirects that are followed, each checked like the first. Default: 3.' }),
});

export function egressOf(file: Maybe<FileEgress>): EgressRules {
  return {
    mode: file?.mode ?? DEFAULT_EGRESS.mode,
    hosts: file?.hosts ?? [],
    privateHosts: file?.private_hosts ?? [],
    types: file?.types ?? DEFAULT_EGRESS.types,
    maxBytes: file?.max_bytes ?? DEFAULT_EGRESS.maxBytes,
    timeoutMs: file?.timeout_ms ?? DEFAULT_EGRESS.timeoutMs,
    redirects: file?.redirects ?? DEFAULT_EGRESS.redirects,
  };
}
