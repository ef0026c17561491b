/** `workspaces` of perdure.yaml: where commands of agents run, and what holds them. */
import { resolve } from 'node:path';
import * as z from 'zod';
import type { Access } from '../../workspace/network/rules.ts';
import { limitsOf, WORKSPACE_BOUNDS, type WorkspaceLimits } from '../../workspace/limits.ts';
import { hosts } from './egress.ts';
import type { Maybe } from './file-form.ts';

export interface FileWorkspaces {
  readonly isolation?: Maybe<WorkspacesConfig['isolation']>;
  readonly folder?: Maybe<string>;
  readonly network?: Maybe<Access>;
  readonly network_ask?: Maybe<boolean>;
  readonly blocked_hosts?: Maybe<readonly string[]>;
  readonly private_hosts?: Maybe<readonly string[]>;
  readonly read_only?: Maybe<readonly string[]>;
  readonly users?: Maybe<{ readonly first: number; readonly count: number }>;
  readonly limits?: Maybe<{ readonly [name: string]: number | null | undefined }>;
}

export interface WorkspacesConfig {
  readonly isolation: 'required' | 'preferred' | 'none';
  /** Absolute; null: `workspaces` in the data folder. */
  readonly folder: string | null;
  /** The most that a workspace may ask for. */
  readonly network: Access;
  /** Whether people may be asked for hosts that the list of a restricted network does not have. */
  readonly networkAsk: boolean;
  readonly blockedHosts: readonly string[];
  /** Hosts that may be at private addresses. */
  readonly privateHosts: readonly string[];
  /** Absolute paths of the host that commands see, read-only. */
  readonly readOnly: readonly string[];
  /** Null: found by itself. */
  readonly users: { readonly first: number; readonly count: number } | null;
  readonly limits: WorkspaceLimits;
}

const PATHS = 50;
const PATH_CHARS = 1024;
/** Users of the system and of people lie below; the highest two mean nobody. */
const [FIRST_USER, LAST_USER] = [1000, 2 ** 32 - 3];

const limits = z.strictObject(
  Object.fromEntries(
    Object.values(WORKSPACE_BOUNDS).map(({ name, unit, default: value, min, max, what }) => [
      name,
      z
        .int()
        .min(min)
        .max(max)
        .nullish()
        .meta({ description: `${what} In ${unit}. Default: ${value}.` }),
    ]),
  ),
);

export const workspaces: z.ZodType<FileWorkspaces> = z.strictObject({
  isolation: z.enum(['required', 'preferred', 'none']).nullish().meta({
    description:
      'What commands run in. required: bubblewrap, or none are run. preferred: just-bash, an interpreter, where there is no bubblewrap. none: always just-bash. Default: preferred.',
  }),
  folder: z
    .string()
    .min(1)
    .max(PATH_CHARS)
    .nullish()
    .meta({ description: 'Where their files lie. Default: workspaces in the data folder.' }),
  network: z.enum(['disabled', 'restricted', 'enabled']).nullish().meta({
    description:
      'The most that an environment may ask for. restricted: hosts that it lists. enabled: all that is public. Default: restricted.',
  }),
  network_ask: z.boolean().nullish().meta({
    description:
      'Whether agents may ask people for hosts that a restricted network does not list, a command at a time: docs/approvals.md. Default: false.',
  }),
  blocked_hosts: hosts('Hosts that no workspace reaches, whatever it asks for. Default: none.').nullish(),
  private_hosts: hosts('Hosts that may be at private addresses, as a mirror of packages. Default: none.').nullish(),
  read_only: z
    .array(z.string().max(PATH_CHARS).startsWith('/', 'must be an absolute path'))
    .max(PATHS)
    .nullish()
    .meta({ description: 'Folders of this machine that commands see beside /usr, at the same path. Default: none.' }),
  users: z
    .strictObject({ first: z.int().min(FIRST_USER).max(LAST_USER), count: z.int().min(1).max(LAST_USER) })
    .refine(({ first, count }) => first + count - 1 <= LAST_USER, `must not go beyond user ${LAST_USER}`)
    .nullish()
    .meta({
      description:
        'User ids of this machine that workspaces are given, if the server is root. Default: 1879048192 and 268435456 of them, or what is mapped.',
    }),
  limits: limits.nullish().meta({ description: 'Bounds of a workspace, and of a command in it: docs/workspaces.md.' }),
});

export function workspacesOf(file: Maybe<FileWorkspaces>, base: string): WorkspacesConfig {
  return {
    isolation: file?.isolation ?? 'preferred',
    folder: typeof file?.folder === 'string' ? resolve(base, file.folder) : null,
    network: file?.network ?? 'restricted',
    networkAsk: file?.network_ask ?? false,
    blockedHosts: file?.blocked_hosts ?? [],
    privateHosts: file?.private_hosts ?? [],
    readOnly: file?.read_only ?? [],
    users: file?.users ?? null,
    limits: limitsOf(file?.limits ?? {}),
  };
}
