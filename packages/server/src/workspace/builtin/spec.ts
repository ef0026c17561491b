/** Which workspace a session has, from its environment in wire form. */
import { isJsonObject } from '@perdure/protocol';
import type { ToolScope, WorkspaceSpec } from '../../engine/tools/ports.ts';

/** Null: the session has no environment that this server hosts. */
export type SpecOf = (scope: ToolScope) => Promise<WorkspaceSpec | null>;

const ACCESS: ReadonlySet<unknown> = new Set(['enabled', 'disabled', 'restricted']);

/**
 * From `AgentSession.environment`: `{type: 'openai_hosted', id, network: {access, allowed_domains, blocked_domains}}`. Its variables are
 * not in the wire form: who has them puts them in. What is not understood is no network.
 */
export function wireSpec({ tenant, environment }: Pick<ToolScope, 'tenant' | 'environment'>): WorkspaceSpec | null {
  const { type, id, network } = environment;
  if (type !== 'openai_hosted' || typeof id !== 'string') return null;
  const { access, allowed_domains: allowed, blocked_domains: blocked } = isJsonObject(network) ? network : {};
  return {
    tenant,
    id,
    network: {
      access: ACCESS.has(access) ? (access as WorkspaceSpec['network']['access']) : 'disabled',
      allowed: texts(allowed),
      blocked: texts(blocked),
    },
    env: {},
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string').map(one => one.toLowerCase()) : [];
}
