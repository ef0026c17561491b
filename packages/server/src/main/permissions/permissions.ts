/** Permissions of tools: read from their folders, compiled by the compiler of contracts, decided by the pure rules of `tool/`. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Cedar } from '../../contract/cedar.ts';
import { findingLine } from '../../contract/finding.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import { loadToolPolicies, type ToolPolicies } from '../../contract/tool-policies.ts';
import type { ToolPolicy, ToolQuestion } from '../../engine/tools/ports.ts';
import {
  autoApproval,
  type Permission,
  type PermissionDefault,
  permissionOf,
  type ToolJudge,
} from '../../tool/permission.ts';
import { factsOf } from '../../tool/permission-facts.ts';
import { readContractFolder } from '../contracts.ts';
import { PermissionsError } from './folders.ts';

export interface PermissionSource {
  /** Absolute paths of folders. */
  readonly folders: readonly string[];
  readonly fallback: PermissionDefault;
}

export interface Permissions extends ToolPolicy {
  /** Digest of `document`: what verdicts and approvals name (L7). */
  readonly version: string;
  /** All that verdicts depend on beside the call, as JSON: kept, so that a version can be looked up. */
  readonly document: string;
  readonly policies: ToolPolicies['policies'];
  readonly explain: (question: ToolQuestion) => Permission;
  /** Under `auto_review`, of what `decide` asks about. Null: no rule speaks of it. */
  readonly autoApprove: (question: ToolQuestion) => Permission | null;
}

/** The files of all folders. Two folders of one name are told apart by their place in the list. */
export function readPermissions(folders: readonly string[]): ContractFiles {
  const files: Record<string, string> = {};
  for (const [i, folder] of folders.entries()) {
    const name = basename(folder);
    const twice = folders.findIndex(other => basename(other) === name) !== i;
    const read = Object.entries(readContractFolder(folder)).filter(([path]) => path.endsWith('.cedar'));
    for (const [path, text] of read) files[`${twice ? `${name}#${i + 1}` : name}/${path}`] = text;
  }
  return files;
}

/** @throws PermissionsError with every finding */
export function openPermissions({ folders, fallback }: PermissionSource, cedar: () => Cedar): Permissions {
  const files = readPermissions(folders);
  // Without a policy nothing of Cedar is started.
  const { policies, findings } =
    Object.keys(files).length === 0 ? { policies: NO_POLICIES, findings: [] } : loadToolPolicies(cedar(), files);
  if (policies === null) {
    const wrong = findings.filter(({ level }) => level === 'error').map(findingLine);
    throw new PermissionsError('permissions_invalid', `the permissions are not usable:\n${wrong.join('\n')}`, findings);
  }
  return makePermissions(policies, documentOf(files, fallback), fallback);
}

const NO_POLICIES: ToolPolicies = {
  policies: [],
  judge: () => ({ permits: [], forbids: [], errors: [] }),
};

/** The texts with one kind of line end and no space at the ends of lines: what a copy does to a file changes no version. */
function documentOf(files: ContractFiles, fallback: PermissionDefault): string {
  const policies = Object.entries(files)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, text]) => ({ file, text: `${text.replaceAll(/[ \t]*\r?\n/g, '\n').trim()}\n` }));
  return JSON.stringify({ v: 1, default: fallback, policies });
}

function makePermissions(policies: ToolPolicies, document: string, fallback: PermissionDefault): Permissions {
  const version = createHash('sha256').update(document).digest('hex');
  const judge: ToolJudge = { version, judge: policies.judge };
  const explain = (question: ToolQuestion): Permission => permissionOf(judge, factsOf(question), fallback);
  return {
    version,
    document,
    policies: policies.policies,
    explain,
    decide(question) {
      const { verdict, policy, reasons } = explain(question);
      return { verdict, policy, reasons: reasons.map(({ id, cite }) => ({ id, cite })) };
    },
    autoApprove: question => autoApproval(judge, factsOf(question)),
  };
}
