/** Which workspace a session's tools work in. */
import type { ToolScope, WorkspaceSpec } from '../../engine/tools/ports.ts';

/** Of a session with an environment, hosted or its user's own: its row says the rest, and is asked when the workspace is opened. */
export async function environmentSpec({ tenant, environment }: ToolScope): Promise<WorkspaceSpec | null> {
  const { type, id, network } = environment;
  if ((type !== 'openai_hosted' && type !== 'self_hosted') || typeof id !== 'string') return null;
  return { tenant, id, network: networkOf(network), env: {} };
}

/** What web pages a session may fetch follows its network. */
function networkOf(network: unknown): WorkspaceSpec['network'] {
  const { access, allowed_domains: allowed, blocked_domains: blocked } = (network ?? {}) as {
    readonly [name: string]: unknown;
  };
  return {
    access: access === 'enabled' || access === 'restricted' ? access : 'disabled',
    allowed: texts(allowed),
    blocked: texts(blocked),
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}
