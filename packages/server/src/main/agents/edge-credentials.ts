/** Credentials of vaults, as the network proxy of workspaces puts them in. */
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
