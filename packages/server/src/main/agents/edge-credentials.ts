/** Credentials of vaults, as the network proxy of workspaces puts them in. */
import type { AgentHost } from '../../engine/agent-sessions/host.ts';
import type { WorkspaceSpec } from '../../engine/tools/ports.ts';
import type { CredentialBroker } from '../../engine/vaults/ports.ts';
import type { EdgeCredentials } from '../../workspace/network/credentials.ts';

/** @returns null for a workspace without vaults */
export function edgeCredentials(
  broker: Pick<CredentialBroker, 'placeholders' | 'substitutions'>,
): (spec: WorkspaceSpec) => EdgeCredentials | null {
  return ({ tenant, vaults = [], network }) =>
    vaults.length === 0
      ? null
      : {
          variables: () => broker.placeholders({ tenant, vaults }),
          values: host => broker.substitutions({ tenant, vaults }, host, network),
        };
}

/** Whether vaults can be attached: they are the tenant's, and no two credentials are for one variable. */
export function vaultCheck(broker: Pick<CredentialBroker, 'checkAttached' | 'placeholders'>): AgentHost['checkVaults'] {
  return async (tenant, vaults) => {
    await broker.checkAttached({ tenant, vaults });
    await broker.placeholders({ tenant, vaults });
  };
}
